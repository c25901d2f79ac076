// Runs a command with nothing on its standard streams and prints what it took: nanoseconds, microseconds of CPU time,
// KiB of memory at the peak, exit status. A small program, so that the start of the command costs nothing of its own.
//   cc -O2 measure.c -o measure && ./measure COMMAND [ARGS…]
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long micros(struct timeval t) { return t.tv_sec * 1000000L + t.tv_usec; }

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: measure COMMAND [ARGS]\n"), 2;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // Errors stay visible: MEASURE_ERRORS is a file for them.
  const char *errors = getenv("MEASURE_ERRORS");
  for (int fd = 0; fd < 3; fd++)
    posix_spawn_file_actions_addopen(&files, fd, fd == 2 && errors ? errors : "/dev/null",
                                     O_RDWR | O_CREAT | O_TRUNC, 0600);
  pid_t pid;
  const long long begin = now_ns();
  const int error = posix_spawn(&pid, argv[1], &files, NULL, argv + 1, environ);
  if (error != 0) return fprintf(stderr, "%s: error %d\n", argv[1], error), 127;
  int status;
  struct rusage used;
  if (wait4(pid, &status, 0, &used) < 0) return perror("wait4"), 1;
  printf("%lld %ld %ld %d\n", now_ns() - begin, micros(used.ru_utime) + micros(used.ru_stime), used.ru_maxrss,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
