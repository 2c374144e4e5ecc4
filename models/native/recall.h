// LAW.md, Recall, as a scan of the window from its end backwards. Compiled once for each instruction set.
//
//   t[b..p):  . . . a b c x . . . . . . a b c y . . . a b c       a source: the same three characters before it as at the end
//                         j                   j
//   The last 64 sources are found 32 places at a time, by comparing the bytes one, two and three before each place.
#pragma once

#include "machine_includes.h"
#include "law.h"

namespace elman {
namespace {  // each instruction set has its own copy: never let the linker choose one for all

constexpr int kLeast = 3, kMost = 32, kPeriod = 512, kSources = 64;
constexpr int kBlock = 32;  // places looked at together, and bytes of a suffix compared together

#if defined(ELMAN_HAS_AVX2)
inline __m256i load_bytes(const uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

// The last bytes of a text, to be looked for before other places.
struct Ending {
  __m256i one, two, three;
  explicit Ending(const uint8_t* end)
      : one(_mm256_set1_epi8(char(end[-1]))), two(_mm256_set1_epi8(char(end[-2]))), three(_mm256_set1_epi8(char(end[-3]))) {}
  __m256i compare(const uint8_t* place) const {
    const __m256i last = _mm256_and_si256(_mm256_cmpeq_epi8(load_bytes(place - 1), one), _mm256_cmpeq_epi8(load_bytes(place - 2), two));
    return _mm256_and_si256(last, _mm256_cmpeq_epi8(load_bytes(place - 3), three));
  }
  // A bit for each of the places from `place` on.
  uint32_t matches(const uint8_t* place) const { return uint32_t(_mm256_movemask_epi8(compare(place))); }
  // Whether any of the four blocks of places from `place` on may match.
  bool is_in_four(const uint8_t* place) const {
    const __m256i any = _mm256_or_si256(_mm256_or_si256(compare(place), compare(place + kBlock)),
                                        _mm256_or_si256(compare(place + 2 * kBlock), compare(place + 3 * kBlock)));
    return !_mm256_testz_si256(any, any);
  }
};

// How many of the bytes before two places are the same, at most 32.
inline int same_bytes_before(const uint8_t* a, const uint8_t* b) {
  const uint32_t same = uint32_t(_mm256_movemask_epi8(_mm256_cmpeq_epi8(load_bytes(a - kBlock), load_bytes(b - kBlock))));
  return ~same ? __builtin_clz(~same) : kBlock;
}
#else
struct Ending {
  uint8_t one, two, three;
  explicit Ending(const uint8_t* end) : one(end[-1]), two(end[-2]), three(end[-3]) {}
  uint32_t matches(const uint8_t* place) const {
    uint8_t is_match[kBlock];
    for (int i = 0; i < kBlock; ++i) is_match[i] = (place[i - 1] == one) & (place[i - 2] == two) & (place[i - 3] == three);
    uint32_t bits = 0;
    for (int i = 0; i < kBlock; ++i) bits |= uint32_t(is_match[i]) << i;
    return bits;
  }
  bool is_in_four(const uint8_t* place) const {
    uint8_t any = 0;
    for (int i = 0; i < 4 * kBlock; ++i) any |= (place[i - 1] == one) & (place[i - 2] == two) & (place[i - 3] == three);
    return any;
  }
};

inline int same_bytes_before(const uint8_t* a, const uint8_t* b) {
  int same = 0;
  while (same < kBlock && a[-1 - same] == b[-1 - same]) ++same;
  return same;
}
#endif

// Where sources are counted.
class Sources {
 public:
  Sources(TextEnd end, int count) : end_(end), count_(count) {}

  bool is_full() const { return seen_ == kSources; }

  // Takes the places of one block that match in their low bytes, the latest first; `low` is the first place of the block.
  void take(uint32_t matches, int low) {
    while (matches && !is_full()) {
      const int bit = 31 - __builtin_clz(matches);
      matches ^= uint32_t(1) << bit;
      take_one(low + bit);
    }
  }

  Recalled recalled() const {
    if (!kept_) return {};
    int same = 0, half = 0, rival = 0;
    for (int i = 0; i < kept_; ++i) {
      const int is_half = 2 * lengths_[i] >= longest_, is_same = followers_[i] == character_;
      half += is_half;
      same += is_half & is_same;
      rival = std::max(rival, is_same ? 0 : lengths_[i]);
    }
    return {longest_, character_, same, half - same, rival, distance_};
  }

 private:
  void take_one(int j) {
    const int length = common_suffix(j);
    if (length < kLeast) return;  // in full they differ
    ++seen_;
    if (is_periodic(j, length)) return;
    const int32_t follower = end_.wide ? int32_t(end_.wide[j - count_]) : end_.bytes[j - count_];
    lengths_[kept_] = length;
    followers_[kept_++] = follower;
    if (length > longest_) {
      longest_ = length;
      character_ = follower;
      distance_ = count_ - j;
    }
  }

  int common_suffix(int j) const {
    int most = std::min(j, kMost);
    if (end_.wide) {
      int same = 0;
      while (same < most && end_.wide[j - count_ - 1 - same] == end_.wide[-1 - same]) ++same;
      return same;
    }
    return std::min(most, same_bytes_before(end_.bytes + (j - count_), end_.bytes));
  }

  // What stands between the place and the end stands before the place, too.
  bool is_periodic(int j, int length) const {
    const int distance = count_ - j;
    if (distance > kPeriod || distance > j || length < std::min(distance, kMost)) return false;
    if (distance <= kMost) return true;
    const ptrdiff_t at = j - count_;
    return end_.wide ? std::memcmp(end_.wide + at - distance, end_.wide + at, sizeof(uint32_t) * distance) == 0
                     : std::memcmp(end_.bytes + at - distance, end_.bytes + at, distance) == 0;
  }

  TextEnd end_;
  int count_;
  int seen_ = 0, kept_ = 0, longest_ = 0, distance_ = 0;
  int32_t character_ = -1;
  int32_t lengths_[kSources], followers_[kSources];
};

// What is recalled at the end of a text of which the last `count` characters are seen.
inline Recalled recall(TextEnd end, int count) {
  if (count <= kLeast) return {};
  Sources sources(end, count);
  const Ending ending(end.bytes);
  const uint8_t* first = end.bytes - count;
  int high = count;  // the places before it are still to be looked at
  while (high > kLeast && !sources.is_full()) {
    if (high >= 4 * kBlock && !ending.is_in_four(first + high - 4 * kBlock)) {
      high -= 4 * kBlock;
      continue;
    }
    const int low = high - kBlock;
    uint32_t matches = ending.matches(first + low);
    if (low < kLeast) matches &= ~uint32_t(0) << (kLeast - low);
    sources.take(matches, low);
    high = low;
  }
  return sources.recalled();
}

}  // namespace
}  // namespace elman
