// The smallest program for the inside of a container: ends at once, or with an argument never.
#include <unistd.h>

int main(int argc, char **argv) {
  (void)argv;
  while (argc > 1) pause();
  return 0;
}
