// The characters of a row's text that recall may see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "law.h"

namespace elman {

// Characters that only ever grow at their end, so that what an outcome points into stays as it was.
//
//   [ margin ][ the last characters of the text so far ............ ][ room ]
class Text {
 public:
  static constexpr int kRoom = 2048;  // characters until the last ones are copied to the front again

  Text(size_t capacity, bool is_wide)
      : capacity_(capacity), bytes_(new uint8_t[kTextMargin + capacity]()), wide_(is_wide ? new uint32_t[capacity]() : nullptr) {}

  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  size_t room() const { return capacity_ - size_; }
  bool is_wide() const { return bool(wide_); }
  const uint8_t* bytes() const { return bytes_.get() + kTextMargin; }
  const uint32_t* wide() const { return wide_.get(); }
  TextEnd end() { return {bytes_.get() + kTextMargin + size_, wide_ ? wide_.get() + size_ : nullptr}; }

  void clear() { size_ = 0; }
  void grow(size_t characters) { size_ += characters; }  // they were written behind the end

  // Begins again with the last characters of another text, or of this one.
  void begin(const Text& other, size_t characters) {
    std::memmove(bytes_.get() + kTextMargin, other.bytes() + other.size_ - characters, characters);
    if (wide_) std::memmove(wide_.get(), other.wide() + other.size_ - characters, characters * sizeof(uint32_t));
    size_ = characters;
  }

 private:
  size_t capacity_, size_ = 0;
  std::unique_ptr<uint8_t[]> bytes_;   // the low byte of each character
  std::unique_ptr<uint32_t[]> wide_;   // in full, where a byte does not hold the vocabulary
};

}  // namespace elman
