// Where in a text stand the same bytes as at its end. Compiled once for each instruction set.
#pragma once

#include "machine_includes.h"
#include "law.h"

namespace elman {
namespace {  // each instruction set has its own copy: never let the linker choose one for all

constexpr int kLeast = 3, kMost = 32;
constexpr int kPlaces = 128;  // places looked at together

#if defined(ELMAN_HAS_AVX2)
inline __m256i load_bytes(const uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

// Which of 128 places match: a bit for each of 64.
struct Matches {
  __m256i quarters[4];
  bool are_none() const {
    const __m256i any = _mm256_or_si256(_mm256_or_si256(quarters[0], quarters[1]), _mm256_or_si256(quarters[2], quarters[3]));
    return _mm256_testz_si256(any, any);
  }
  uint64_t earlier() const { return bits(quarters[0]) | bits(quarters[1]) << 32; }
  uint64_t later() const { return bits(quarters[2]) | bits(quarters[3]) << 32; }
  static uint64_t bits(__m256i quarter) { return uint32_t(_mm256_movemask_epi8(quarter)); }
};

// The last three bytes of a text, to be looked for before the places from one on.
struct Ending {
  __m256i one, two, three;
  explicit Ending(const uint8_t* end)
      : one(_mm256_set1_epi8(char(end[-1]))), two(_mm256_set1_epi8(char(end[-2]))), three(_mm256_set1_epi8(char(end[-3]))) {}
  Matches matches(const uint8_t* place) const { return {{quarter(place), quarter(place + 32), quarter(place + 64), quarter(place + 96)}}; }
  __m256i quarter(const uint8_t* place) const {
    const __m256i last = _mm256_and_si256(_mm256_cmpeq_epi8(load_bytes(place - 1), one), _mm256_cmpeq_epi8(load_bytes(place - 2), two));
    return _mm256_and_si256(last, _mm256_cmpeq_epi8(load_bytes(place - 3), three));
  }
};
#else
struct Matches {
  uint8_t is_match[kPlaces];
  uint8_t any;
  bool are_none() const { return !any; }
  uint64_t earlier() const { return bits(is_match); }
  uint64_t later() const { return bits(is_match + 64); }
  static uint64_t bits(const uint8_t* from) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; ++i) bits |= uint64_t(from[i]) << i;
    return bits;
  }
};

struct Ending {
  uint8_t one, two, three;
  explicit Ending(const uint8_t* end) : one(end[-1]), two(end[-2]), three(end[-3]) {}
  Matches matches(const uint8_t* place) const {
    Matches found;
    found.any = 0;
    for (int i = 0; i < kPlaces; ++i) found.any |= found.is_match[i] = (place[i - 1] == one) & (place[i - 2] == two) & (place[i - 3] == three);
    return found;
  }
};
#endif

// How many of the bytes before two places are the same, at most kMost.
inline int same_bytes_before(const uint8_t* a, const uint8_t* b) {
#if defined(ELMAN_HAS_AVX2)
  const uint32_t same = uint32_t(_mm256_movemask_epi8(_mm256_cmpeq_epi8(load_bytes(a - kMost), load_bytes(b - kMost))));
  return int(_lzcnt_u32(~same));
#else
  int same = 0;
  while (same < kMost && a[-1 - same] == b[-1 - same]) ++same;
  return same;
#endif
}

}  // namespace
}  // namespace elman
