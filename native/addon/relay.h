// Copies one direction of a terminal's data without ever blocking the other.
#pragma once
#include <poll.h>

#include <cstddef>
#include <vector>

#include "sys/fd.h"

namespace tsrun {

class Relay {
 public:
  // `from` or `to` is the ptmx, which must not block; the other is a standard stream. `is_typed`: to the ptmx, which
  // is told of the end of `from` too.
  Relay(int from, int to, bool is_typed);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Fills two poll entries: the source (while there is room) and the target (while there is data).
  void prepare(pollfd* watched) const;
  // Reads and writes what poll said can be.
  void transfer(const pollfd* watched);
  // After the end of the container: everything that is still in the terminal goes out.
  void drain();
  void stop() { reading_ = false; }

 private:
  bool fill();
  bool flush();
  void type_end();
  void follow();

  int from_;
  int to_;
  bool is_typed_;
  Fd own_;              // the target, opened once more
  bool blocks_ = true;  // a write of more than PIPE_BUF could block
  bool eager_ = false;  // the source can be read from without poll
  bool reading_ = true;
  std::vector<char> buffer_;
  char last_ = '\n';  // that was read
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace tsrun
