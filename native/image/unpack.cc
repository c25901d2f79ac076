// Reads the tar of a layer by libarchive, which gets no path to look at and no file to write.
#include "image/unpack.h"

#include <archive.h>
#include <archive_entry.h>

#include <cstring>
#include <memory>

#include "addon/failure.h"
#include "image/entry.h"
#include "image/layer_stream.h"
#include "image/refused.h"

namespace tsrun {
namespace {

// What libarchive's callback is given; an error of the stream goes around libarchive, which is C.
struct Source {
  LayerStream& stream;
  std::exception_ptr error;
};

la_ssize_t read_more(archive* reader, void* data, const void** buffer) {
  auto* source = static_cast<Source*>(data);
  try {
    const auto piece = source->stream.next();
    *buffer = piece.data();
    return static_cast<la_ssize_t>(piece.size());
  } catch (...) {
    source->error = std::current_exception();
    archive_set_error(reader, EIO, "cannot read the layer");
    return ARCHIVE_FATAL;
  }
}

using Reader = std::unique_ptr<archive, int (*)(archive*)>;

Reader open_reader(Source& source) {
  Reader reader(archive_read_new(), archive_read_free);
  if (!reader || archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
      archive_read_support_format_empty(reader.get()) != ARCHIVE_OK)
    throw_failure("archive_read_new", ENOMEM);
  if (archive_read_open(reader.get(), &source, nullptr, read_more, nullptr) != ARCHIVE_OK) {
    if (source.error) std::rethrow_exception(source.error);
    refuse_image("", "the layer is no tar archive: " + words_of(reader.get()));
  }
  return reader;
}

// Names are not converted (no_iconv.cc), which libarchive warns of; of all else it warns an archive is not taken.
bool is_about_conversion(archive* reader) {
  const char* words = archive_error_string(reader);
  return words != nullptr && strstr(words, "can't be converted from") != nullptr;
}

}  // namespace

std::string unpack(const UnpackOptions& options) {
  LayerStream stream(options.blob, options.max_bytes);
  Source source{stream, nullptr};
  const Reader reader = open_reader(source);
  Place place(options.root);
  EntryWriter writer(reader.get(), place, options);
  archive_entry* entry = nullptr;
  std::string last;
  uint64_t entries = 0;
  int result;
  while ((result = archive_read_next_header(reader.get(), &entry)) != ARCHIVE_EOF) {
    if (source.error) std::rethrow_exception(source.error);
    if (result == ARCHIVE_FATAL)
      refuse_image(last, "what follows it is damaged: " + words_of(reader.get()));
    const char* name = archive_entry_pathname(entry);
    last = name == nullptr ? "" : name;
    if (result != ARCHIVE_OK && !(result == ARCHIVE_WARN && is_about_conversion(reader.get())))
      refuse_image(last, words_of(reader.get()));
    if (++entries > options.max_entries)
      refuse_image(last,
                   "the layer has more than " + std::to_string(options.max_entries) + " entries");
    try {
      writer.write(entry);
    } catch (const RefusedImage&) {
      if (source.error) std::rethrow_exception(source.error);
      throw;
    }
  }
  if (source.error) std::rethrow_exception(source.error);
  place.restore_times();
  // What follows the end of the archive is part of the digest, too.
  while (!stream.next().empty()) {
  }
  return stream.diff_id();
}

}  // namespace tsrun
