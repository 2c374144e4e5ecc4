// LAW.md, Recall, as a scan of the window from its end backwards. Compiled once for each instruction set.
//
//   t[b..p):  . . . a b c x . . . . . . a b c y . . . a b c       a source: the same three characters before it as at the end
//                         j                   j
//   The last 64 sources are found 128 places at a time (ending.h).
#pragma once

#include "machine_includes.h"
#include "ending.h"
#include "law.h"

namespace elman {
namespace {  // each instruction set has its own copy: never let the linker choose one for all

constexpr int kPeriod = 512, kSources = 64;

// Where sources are found and counted. Places are counted from the first character that is seen.
class Sources {
 public:
  Sources(TextEnd end, int count) : end_(end), ending_(end.bytes), count_(count) {}

  // Finds them, the latest first.
  void find() {
    for (int high = count_; high > kLeast && found_ < kSources; high -= kPlaces) {
      const Matches matches = ending_.matches(end_.bytes + (high - kPlaces - count_));
      if (!matches.are_none()) take(matches.earlier(), matches.later(), high - kPlaces);
    }
  }

  Recalled recalled() const {
    int lengths[kSources], best = 0;  // the greatest length, and of equal ones the latest source
    int32_t followers[kSources];
    for (int i = 0; i < found_; ++i) {
      lengths[i] = kept_length(places_[i]);
      followers[i] = follower(places_[i]);
      best = std::max(best, lengths[i] * kSources + kSources - 1 - i);
    }
    const int longest = best / kSources, j = places_[kSources - 1 - best % kSources];
    if (!longest) return {};
    const int32_t character = follower(j);
    int same = 0, half = 0, rival = 0;
    for (int i = 0; i < found_; ++i) {
      const int is_half = 2 * lengths[i] >= longest, is_same = followers[i] == character;
      half += is_half;
      same += is_half & is_same;
      rival = std::max(rival, is_same ? 0 : lengths[i]);
    }
    return {longest, character, same, half - same, rival, count_ - j};
  }

 private:
  // Takes the places from `low` on that match in their low bytes: two times 64. Most often it is one, in either half, so that which
  // half it is in should not be a branch.
  void take(uint64_t earlier, uint64_t later, int low) {
    const int unseen = kLeast - low;  // places too early to be sources
    if (unseen > 0) later &= ~uint64_t(0) << std::max(unseen - 64, 0), earlier = unseen < 64 ? earlier & ~uint64_t(0) << unseen : 0;
    while ((earlier | later) && found_ < kSources) {
      const bool is_later = later;
      const int bit = 63 - __builtin_clzll(is_later ? later : earlier);
      const uint64_t taken = uint64_t(1) << bit;
      later &= ~(is_later ? taken : 0);
      earlier &= ~(is_later ? 0 : taken);
      places_[found_] = low + bit + 64 * is_later;
      found_ += is_source(places_[found_]);
    }
  }

  // Whether the place matches in full, too, where a byte does not hold the vocabulary.
  bool is_source(int j) const { return !end_.wide || std::memcmp(end_.wide + (j - count_) - kLeast, end_.wide - kLeast, kLeast * sizeof(uint32_t)) == 0; }

  int32_t follower(int j) const { return end_.wide ? int32_t(end_.wide[j - count_]) : end_.bytes[j - count_]; }

  // 0 for a source that does not count.
  int kept_length(int j) const {
    const int length = common_suffix(j);
    return is_periodic(j, length) ? 0 : length;
  }

  int common_suffix(int j) const {
    const int most = std::min(j, kMost);
    if (!end_.wide) return std::min(most, same_bytes_before(end_.bytes + (j - count_), end_.bytes));
    int same = kLeast;
    while (same < most && end_.wide[j - count_ - 1 - same] == end_.wide[-1 - same]) ++same;
    return same;
  }

  // What stands between the place and the end stands before the place, too.
  bool is_periodic(int j, int length) const {
    const int distance = count_ - j;
    const bool may_be = (distance <= kPeriod) & (distance <= j) & (length >= std::min(distance, kMost));
    if (!may_be) return false;
    if (distance <= kMost) return true;
    const ptrdiff_t at = j - count_;
    return end_.wide ? std::memcmp(end_.wide + at - distance, end_.wide + at, sizeof(uint32_t) * distance) == 0
                     : std::memcmp(end_.bytes + at - distance, end_.bytes + at, distance) == 0;
  }

  TextEnd end_;
  Ending ending_;
  int count_;
  int found_ = 0;
  int places_[kSources];
};

// What is recalled at the end of a text of which the last `count` characters are seen.
inline Recalled recall(TextEnd end, int count) {
  if (count <= kLeast) return {};
  Sources sources(end, count);
  sources.find();
  return sources.recalled();
}

}  // namespace
}  // namespace elman
