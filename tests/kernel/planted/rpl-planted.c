// SPDX-License-Identifier: GPL-2.0
/*
 * rpl-planted - mistakes on purpose: each must be reported by the checker that is there for it. Written
 * to the parameter "bug", the name of one makes it. planted.sh writes them, run looks at the reports.
 */
#include <linux/debugobjects.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timer.h>

#define RACE_JIFFIES (2 * HZ)
/*
 * An old pointer to the memory, on a stack, or what a task of User Mode Linux was made with, hides one of
 * them. So many need memory that nobody has had.
 */
#define LEAKS 100

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static int __rcu *guarded;
static unsigned int raced;
static volatile unsigned int forty = 40; /* what the compiler must not know */

static void rpl_planted_bounds(void)
{
	char *p = kmalloc(forty, GFP_KERNEL);

	if (p)
		WRITE_ONCE(p[forty], 1);
	kfree(p);
}

static void rpl_planted_freed(void)
{
	char *p = kmalloc(forty, GFP_KERNEL);

	kfree(p);
	if (p)
		WRITE_ONCE(p[8], 1);
}

static void rpl_planted_locks(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void rpl_planted_rcu(void)
{
	(void)rcu_dereference(guarded);
}

static void rpl_planted_shift(void)
{
	pr_info("planted: %d\n", 1 << forty);
}

static void expired(struct timer_list *t)
{
}

static void rpl_planted_timer(void)
{
	struct timer_list *t = kmalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return;
	timer_setup(t, expired, 0);
	mod_timer(t, jiffies + 1000 * HZ);
	kfree(t);
}

static void rpl_planted_leak(void)
{
	int i;

	for (i = 0; i < LEAKS; i++)
		WRITE_ONCE(*(char *)kmalloc(forty, GFP_KERNEL | __GFP_NOFAIL), 1);
}

static int other_one(void *arg)
{
	while (!kthread_should_stop()) {
		raced++;
		cond_resched();
	}
	return 0;
}

static void rpl_planted_race(void)
{
	unsigned long end = jiffies + RACE_JIFFIES;
	struct task_struct *other = kthread_run(other_one, NULL, "rpl_planted");

	if (IS_ERR(other))
		return;
	while (time_before(jiffies, end)) {
		raced++;
		cond_resched();
	}
	kthread_stop(other);
}

static const struct {
	const char *name;
	void (*make)(void);
} bugs[] = {
	{ "bounds", rpl_planted_bounds }, { "freed", rpl_planted_freed },
	{ "locks", rpl_planted_locks },	  { "rcu", rpl_planted_rcu },
	{ "shift", rpl_planted_shift },	  { "timer", rpl_planted_timer },
	{ "leak", rpl_planted_leak },	  { "race", rpl_planted_race },
};

static int bug_set(const char *name, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (sysfs_streq(name, bugs[i].name)) {
			bugs[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops bug_ops = { .set = bug_set };

module_param_cb(bug, &bug_ops, NULL, 0200);
MODULE_PARM_DESC(bug, "name of the mistake to make");

static int __init planted_init(void)
{
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("mistakes on purpose");
MODULE_LICENSE("GPL");
