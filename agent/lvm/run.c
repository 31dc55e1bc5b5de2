// SPDX-License-Identifier: GPL-2.0-or-later
/* run.c - fork, exec, poll. Blocks; used by worker processes only. */
#include "lvm/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (64u << 20)

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void child(const char *const argv[], const char *const envp[], int out, int err)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp);
	_exit(127);
}

/* False at the end of this stream. */
static bool drain(int fd, struct strbuf *to)
{
	char buf[16384];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0)
		strbuf_add(to, buf, (size_t)n);
	return n > 0;
}

static int collect(int fds[2], struct strbuf *bufs[2], int64_t end)
{
	struct pollfd p[2] = { { .fd = fds[0], .events = POLLIN },
			       { .fd = fds[1], .events = POLLIN } };

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		int64_t left = end - now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(p, 2, (int)left) < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < 2; i++)
			if (p[i].fd >= 0 && p[i].revents && !drain(p[i].fd, bufs[i]))
				p[i].fd = -1;
		if (bufs[0]->len + bufs[1]->len > OUTPUT_MAX)
			return -EFBIG;
	}
	return 0;
}

int run_program(const char *const argv[], const char *const envp[], unsigned int deadline_ms,
		struct strbuf *out, struct strbuf *err)
{
	struct strbuf *bufs[2] = { out, err };
	int o[2], e[2], status = 0, ret;
	pid_t pid;

	if (pipe2(o, O_CLOEXEC))
		return -errno;
	if (pipe2(e, O_CLOEXEC)) {
		ret = -errno;
		close(o[0]);
		close(o[1]);
		return ret;
	}
	pid = fork();
	if (!pid)
		child(argv, envp, o[1], e[1]);
	close(o[1]);
	close(e[1]);
	ret = pid < 0 ? -EAGAIN : collect((int[2]) { o[0], e[0] }, bufs, now_ms() + deadline_ms);
	close(o[0]);
	close(e[0]);
	if (pid < 0)
		return ret;
	if (ret)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ret && (!WIFEXITED(status) || WEXITSTATUS(status)))
		ret = -EIO;
	return ret;
}
