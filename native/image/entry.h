// One entry of a layer as it is placed: file, directory, link or device, with what is said about it.
#pragma once
#include <archive.h>
#include <archive_entry.h>

#include <cstdint>
#include <string>

#include "image/place.h"
#include "image/unpack.h"

namespace tsrun {

// What libarchive says about its last error, which for some damage is nothing.
std::string words_of(archive* reader);

// Places entries below the root of `place`.
class EntryWriter {
 public:
  EntryWriter(archive* reader, Place& place, const UnpackOptions& options)
      : reader_(reader), place_(place), options_(options) {}

  // Throws RefusedImage with the entry, SyscallFailure.
  void write(archive_entry* entry);

 private:
  struct Target {
    std::string entry;  // its name as it is in the archive
    std::string path;
    std::string name;
    int directory;
  };

  bool whiteout(const std::string& entry, const std::string& path);
  void write_root(archive_entry* entry, const std::string& name);
  void write_file(archive_entry* entry, const Target& target);
  void write_data(int file, int64_t size, const Target& target);
  void write_directory(archive_entry* entry, const Target& target);
  void write_hard_link(const char* to, const Target& target);
  void write_link(archive_entry* entry, const Target& target);
  void write_device(archive_entry* entry, const Target& target);
  void set_owner_and_mode(archive_entry* entry, const Target& target);
  static void drop_attributes(const Target& target);
  void set_attributes(archive_entry* entry, const Target& target);
  void count_bytes(int64_t size, const std::string& entry);

  archive* const reader_;
  Place& place_;
  const UnpackOptions& options_;
  uint64_t bytes_ = 0;
};

}  // namespace tsrun
