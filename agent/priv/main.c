// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - smisd-priv: the small root process under smisd.
 *
 * Takes packets of proto.h on a SOCK_SEQPACKET socket from the user smisd and from root, carries
 * out the operations of ops.h one at a time, each in a worker process (so that a hanging lvm hangs
 * nothing else). Beside them go PAM checks and the notes about failed stores: these may not wait
 * for an operation that waits for such a store. State: none but those notes; who asks again gets
 * the same answer.
 *
 * Between processes: the worker that changes something holds a lock file, which the lvm that it
 * started inherits. After this process was killed the next one's first worker waits for it: what
 * an earlier smisd-priv had begun is over before anything new begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/proto.h"
#include "priv/ops.h"

#define RUN_DIR		 "/run/smisd"
#define LOCK_FILE	 RUN_DIR "/priv.lock"
#define OP_DEADLINE_US	 (180 * 1000000ull)
#define AUTH_DEADLINE_US (30 * 1000000ull)
#define AUTH_MAX	 8 /* at a time */
#define QUEUE_MAX	 4096 /* requests that wait, of all clients */
#define CLIENTS_MAX	 16
#define SEND_BUFFER	 (8 << 20)

enum lane {
	LANE_OPS,
	LANE_AUTH,
	LANE_NOTE,
	NR_LANES
};

struct client {
	TAILQ_ENTRY(client) link;
	int fd;
	sd_event_source *io;
};

struct task {
	TAILQ_ENTRY(task) link;
	struct client *client; /* NULL once it has gone */
	uint64_t id;
	struct backend_request *req;
	pid_t pid; /* 0: waits */
	int fd;
	bool answered, timed_out;
	sd_event_source *io, *deadline;
};

static struct {
	struct smisd_config cfg;
	sd_event *loop;
	TAILQ_HEAD(, client) clients;
	TAILQ_HEAD(, task) tasks;
	unsigned int nr_clients, nr_tasks, running[NR_LANES];
	bool stopping;
	uid_t user; /* smisd's; 0 when there is no such user */
	char buf[PROTO_REQUEST_MAX + 1];
} p;

static enum lane lane_of(const struct task *t)
{
	switch (t->req->op) {
	case BACKEND_AUTHENTICATE:
		return LANE_AUTH;
	case BACKEND_STORE_DISTRUST:
		return LANE_NOTE;
	default:
		return LANE_OPS;
	}
}

/* ---- answers */

static void client_gone(struct client *c)
{
	struct task *t, *next;

	for (t = TAILQ_FIRST(&p.tasks); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->client != c)
			continue;
		t->client = NULL;
		if (t->pid)
			continue; /* what has begun is carried through */
		TAILQ_REMOVE(&p.tasks, t, link);
		backend_request_free(t->req);
		free(t);
		p.nr_tasks--;
	}
	TAILQ_REMOVE(&p.clients, c, link);
	p.nr_clients--;
	sd_event_source_disable_unref(c->io);
	close(c->fd);
	free(c);
}

static void send_error(struct client *c, uint64_t id, int error, const char *reason)
{
	const struct backend_reply r = { .error = error, .reason = reason };
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;
	size_t next = 0;

	proto_put_reply(&b, id, &r, &next);
	send(c->fd, b.buf, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- workers */

/* Held until this process and what it starts have ended. */
static int take_lock(struct answer *a)
{
	/* not close-on-exec: lvm holds it as long as it lives */
	int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

	if (fd < 0)
		return answer_fail(a, -errno, LOCK_FILE ": %s", strerror(errno));
	while (flock(fd, LOCK_EX) && errno == EINTR)
		;
	return 0;
}

static void worker(struct task *t, int fd)
{
	struct answer a = { 0 };
	struct backend_reply reply;
	sigset_t none;
	size_t next = 0;
	bool more = true;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (lane_of(t) == LANE_AUTH)
		auth_run(&p.cfg, t->req, &a);
	else if (lane_of(t) == LANE_NOTE || (!take_lock(&a) && t->req->op != BACKEND_HELLO))
		ops_run(&p.cfg, t->req, &a);
	answer_reply(&a, &reply);
	while (more) {
		CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;

		more = proto_put_reply(&b, t->id, &reply, &next);
		if (send(fd, b.buf, b.len, MSG_NOSIGNAL) < 0)
			_exit(1);
	}
	_exit(0);
}

static void start_next(void);

/* What changes something is carried through. */
static bool may_exit(void)
{
	return p.stopping && !p.running[LANE_OPS] && !p.running[LANE_NOTE];
}

static void task_end(struct task *t)
{
	int status = 0;
	char why[96];

	if (t->timed_out)
		kill(-t->pid, SIGKILL);
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!t->answered && t->client) {
		snprintf(why, sizeof(why), "%s: %s", backend_op_name(t->req->op),
			 t->timed_out ? "no end in time" : "the worker process died");
		send_error(t->client, t->id, t->timed_out ? -ETIMEDOUT : -EIO, why);
	}
	if (!t->answered)
		log_err("%s: worker %s", backend_op_name(t->req->op),
			t->timed_out ? "ran out of time" : "died");
	p.running[lane_of(t)]--;
	p.nr_tasks--;
	TAILQ_REMOVE(&p.tasks, t, link);
	sd_event_source_disable_unref(t->io);
	sd_event_source_disable_unref(t->deadline);
	close(t->fd);
	backend_request_free(t->req);
	free(t);
	if (may_exit())
		sd_event_exit(p.loop, 0);
	start_next();
}

static int on_worker(sd_event_source *src, int fd, uint32_t events, void *arg)
{
	struct task *t = arg;
	ssize_t n = recv(fd, p.buf, sizeof(p.buf) - 1, MSG_DONTWAIT);

	(void)src;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		task_end(t);
		return 0;
	}
	t->answered = true;
	if (t->client && send(t->client->fd, p.buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		log_warn("smisd does not read its answers (%s): connection closed",
			 strerror(errno));
		client_gone(t->client);
	}
	return 0;
}

static int on_deadline(sd_event_source *src, uint64_t usec, void *arg)
{
	struct task *t = arg;

	(void)src;
	(void)usec;
	t->timed_out = true;
	task_end(t);
	return 0;
}

/* False: no process could be made. */
static bool start(struct task *t)
{
	enum lane lane = lane_of(t);
	uint64_t now;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return false;
	t->pid = fork();
	if (!t->pid)
		worker(t, fds[1]);
	close(fds[1]);
	if (t->pid < 0) {
		close(fds[0]);
		t->pid = 0;
		return false;
	}
	t->fd = fds[0];
	p.running[lane]++;
	sd_event_now(p.loop, CLOCK_MONOTONIC, &now);
	if (sd_event_add_io(p.loop, &t->io, t->fd, EPOLLIN, on_worker, t) < 0 ||
	    sd_event_add_time(p.loop, &t->deadline, CLOCK_MONOTONIC,
			      now + (lane == LANE_AUTH ? AUTH_DEADLINE_US : OP_DEADLINE_US), 0,
			      on_deadline, t) < 0)
		abort();
	return true;
}

static bool may_start(const struct task *t)
{
	static const unsigned int most[NR_LANES] = {
		[LANE_OPS] = 1,
		[LANE_AUTH] = AUTH_MAX,
		[LANE_NOTE] = 1,
	};

	return !t->pid && !p.stopping && p.running[lane_of(t)] < most[lane_of(t)];
}

static void start_next(void)
{
	struct task *t, *next;

	for (t = TAILQ_FIRST(&p.tasks); t; t = next) {
		next = TAILQ_NEXT(t, link);
		if (!may_start(t) || start(t))
			continue;
		send_error(t->client, t->id, -EAGAIN, "smisd-priv cannot start a process");
		TAILQ_REMOVE(&p.tasks, t, link);
		p.nr_tasks--;
		backend_request_free(t->req);
		free(t);
	}
}

/* ---- clients */

static void take_request(struct client *c, size_t len)
{
	struct backend_request *req;
	char why[160] = "";
	struct task *t;
	uint64_t id;
	int ret = proto_get_request(p.buf, len, &id, &req, why, sizeof(why));

	explicit_bzero(p.buf, len);
	if (!ret && p.nr_tasks >= QUEUE_MAX) {
		backend_request_free(req);
		snprintf(why, sizeof(why), "too many requests wait");
		ret = -EAGAIN;
	}
	if (ret) {
		log_warn("request refused: %s", why);
		send_error(c, id, ret, why);
		return;
	}
	t = new0(struct task);
	t->client = c;
	t->id = id;
	t->req = req;
	t->fd = -1;
	p.nr_tasks++;
	TAILQ_INSERT_TAIL(&p.tasks, t, link);
	start_next();
}

static int on_client(sd_event_source *src, int fd, uint32_t events, void *arg)
{
	struct client *c = arg;
	ssize_t n = recv(fd, p.buf, sizeof(p.buf), MSG_DONTWAIT | MSG_TRUNC);

	(void)src;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		client_gone(c);
	else if ((size_t)n > PROTO_REQUEST_MAX)
		send_error(c, 0, -EMSGSIZE, "the packet is too large");
	else
		take_request(c, (size_t)n);
	return 0;
}

static int on_connect(sd_event_source *src, int listen_fd, uint32_t events, void *arg)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);
	const int size = SEND_BUFFER;
	struct client *c;

	(void)src;
	(void)events;
	(void)arg;
	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ||
	    (cred.uid != 0 && cred.uid != p.user) || p.nr_clients >= CLIENTS_MAX) {
		log_warn("connection of uid %d refused", (int)cred.uid);
		close(fd);
		return 0;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	c = new0(struct client);
	c->fd = fd;
	if (sd_event_add_io(p.loop, &c->io, fd, EPOLLIN, on_client, c) < 0)
		abort();
	TAILQ_INSERT_TAIL(&p.clients, c, link);
	p.nr_clients++;
	return 0;
}

/* ---- start */

static int bind_socket(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof(sa.sun_path))
		return fd < 0 ? -errno : -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || chmod(path, 0600) ||
	    (p.user && chown(path, p.user, (gid_t)-1)) || listen(fd, 8))
		return -errno;
	return fd;
}

static int get_socket(void)
{
	int n = sd_listen_fds(1);

	if (n > 1)
		return -EINVAL;
	if (n == 1 && sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) > 0)
		return SD_LISTEN_FDS_START;
	return n ? -EINVAL : bind_socket(p.cfg.engine.priv_socket);
}

/* What has begun is finished first; what waits is asked again by smisd on the next connection. */
static int on_stop(sd_event_source *src, const struct signalfd_siginfo *si, void *arg)
{
	(void)src;
	(void)si;
	(void)arg;
	p.stopping = true;
	sd_notify(0, "STOPPING=1");
	if (may_exit())
		sd_event_exit(p.loop, 0);
	return 0;
}

static int serve(void)
{
	sigset_t mask;
	int fd, ret;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = get_socket();
	if (fd < 0) {
		log_err("%s: %s", p.cfg.engine.priv_socket, strerror(-fd));
		return EXIT_FAILURE;
	}
	if (sd_event_new(&p.loop) < 0 ||
	    sd_event_add_signal(p.loop, NULL, SIGTERM, on_stop, NULL) < 0 ||
	    sd_event_add_signal(p.loop, NULL, SIGINT, on_stop, NULL) < 0 ||
	    sd_event_add_io(p.loop, NULL, fd, EPOLLIN, on_connect, NULL) < 0)
		return EXIT_FAILURE;
	sd_event_set_watchdog(p.loop, true);
	sd_notify(0, "READY=1");
	log_info("ready");
	ret = sd_event_loop(p.loop);
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What a boot unit does: the devices are there before the mounts that need them. */
static int activate_once(void)
{
	const struct backend_request req = { .op = BACKEND_ACTIVATE };
	struct answer a = { 0 };

	if (!take_lock(&a))
		ops_run(&p.cfg, &req, &a);
	if (a.error)
		log_err("activation: %s", a.reason);
	answer_done(&a);
	return a.error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: smisd-priv [--config FILE] [--foreground] [--activate | --check-config]\n"
		"The root helper of smisd. Takes requests on the configuration's socket, or on\n"
		"the one that systemd passes. --activate: activate all volumes, and end.\n");
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "activate", no_argument, NULL, 'a' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "foreground", no_argument, NULL, 'f' }, /* as smisd has it: always */
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *config = CONFIG_PATH_DEFAULT;
	bool activate = false, check = false;
	const struct passwd *pw = getpwnam("smisd");
	char why[512] = "";

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'c')
			config = optarg;
		else if (o == 'a')
			activate = true;
		else if (o == 'k')
			check = true;
		else if (o != 'f')
			return usage(o == 'h' ? EXIT_SUCCESS : 2);
	}
	if (optind < argc)
		return usage(2);
	log_init("smisd-priv", LOG_INFO);
	umask(022);
	if (config_load(&p.cfg, config, why, sizeof(why))) {
		log_err("%s", why);
		return EXIT_FAILURE;
	}
	if (check)
		return EXIT_SUCCESS;
	TAILQ_INIT(&p.clients);
	TAILQ_INIT(&p.tasks);
	p.user = pw ? pw->pw_uid : 0;
	mkdir(RUN_DIR, 0755);
	return activate ? activate_once() : serve();
}
