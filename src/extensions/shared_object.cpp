#include "extensions/shared_object.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <vector>

namespace chouette {
namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using Fault = std::optional<std::string>;

constexpr unsigned own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned own_order =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

/// EM_NONE where it is left to dlopen.
#if defined(__x86_64__)
constexpr unsigned own_machine = EM_X86_64;
#elif defined(__i386__)
constexpr unsigned own_machine = EM_386;
#elif defined(__aarch64__)
constexpr unsigned own_machine = EM_AARCH64;
#elif defined(__arm__)
constexpr unsigned own_machine = EM_ARM;
#elif defined(__riscv)
constexpr unsigned own_machine = EM_RISCV;
#else
constexpr unsigned own_machine = EM_NONE;
#endif

class File {
public:
  // Not blocking, as opening a pipe would wait for its writer.
  explicit File(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Nothing, and errno says why, if there is no such file or it is not to be read.
  std::optional<struct stat> status() const {
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) return std::nullopt;
    return status;
  }

  bool read(void* to, std::size_t size, std::uint64_t from) const {
    return ::pread(descriptor_, to, size, static_cast<off_t>(from)) == static_cast<ssize_t>(size);
  }

private:
  int descriptor_;
};

Fault unreadable() {
  return "cannot be read: " + std::generic_category().message(errno);
}

Fault fault_of_owner(const struct stat& status) {
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return "belongs to user " + std::to_string(status.st_uid) +
           ", expected root or the agent's user: who can write to it is the agent";
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "can be written to by others than its owner (chmod go-w): who can write to it is the "
           "agent";
  }
  return std::nullopt;
}

/// Whether `header` is that of a shared object for this processor.
Fault fault_of_header(const Header& header) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return "is not a shared object";
  if (header.e_ident[EI_CLASS] != own_class || header.e_ident[EI_DATA] != own_order ||
      (own_machine != EM_NONE && header.e_machine != own_machine)) {
    return "is built for another kind of processor";
  }
  if (header.e_type != ET_DYN || header.e_phentsize != sizeof(Segment) || header.e_phnum == 0) {
    return "is not a shared object";
  }
  return std::nullopt;
}

/// Whether all that is to be mapped is there.
Fault fault_of_segments(const File& file, const Header& header, std::uint64_t size) {
  std::vector<Segment> segments(header.e_phnum);
  const auto length = segments.size() * sizeof(Segment);
  if (header.e_phoff > size || !file.read(segments.data(), length, header.e_phoff)) {
    return "is cut off";
  }
  for (const auto& segment : segments) {
    if (segment.p_filesz > size || segment.p_offset > size - segment.p_filesz) return "is cut off";
  }
  return std::nullopt;
}

}  // namespace

Fault fault_of_folder(const std::string& path) {
  const File folder(path);
  const auto status = folder.status();
  if (!status) return unreadable();
  if (!S_ISDIR(status->st_mode)) return "is not a folder";
  return fault_of_owner(*status);
}

Fault fault_of_shared_object(const std::string& path) {
  const File file(path);
  const auto status = file.status();
  if (!status) return unreadable();
  if (!S_ISREG(status->st_mode)) return "is not a file";
  if (auto fault = fault_of_owner(*status)) return fault;

  const auto size = static_cast<std::uint64_t>(status->st_size);
  Header header{};
  if (!file.read(&header, sizeof(header), 0)) return "is not a shared object";
  if (auto fault = fault_of_header(header)) return fault;
  return fault_of_segments(file, header, size);
}

}  // namespace chouette
