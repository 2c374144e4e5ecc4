// LAW.md, Sampling: integers only, but for the log-probabilities that are reported. Compiled once for each instruction set.
#pragma once

#include "machine_includes.h"
#include "law.h"

namespace elman {
namespace {  // each instruction set has its own copy: never let the linker choose one for all

// Word 0 of Philox4x32-10 (Salmon et al., SC 2011).
inline uint32_t philox_word(uint64_t seed, uint64_t position, uint32_t alternative) {
  uint32_t c0 = uint32_t(position), c1 = uint32_t(position >> 32), c2 = alternative, c3 = 0;
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t(c0) * 0xD2511F53u, second = uint64_t(c2) * 0xCD9E8D57u;
    c0 = uint32_t(second >> 32) ^ c1 ^ k0;
    c1 = uint32_t(second);
    c2 = uint32_t(first >> 32) ^ c3 ^ k1;
    c3 = uint32_t(first);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c0;
}

class Sampler {
 public:
  Sampler(const Tables& tables, int outputs)
      : outputs_(outputs),
        exp_(tables.exp, tables.exp + tables.exp_length),
        log_(tables.log, tables.log + tables.log_length),
        weights_(outputs),
        sums_(outputs),
        ranked_(outputs) {
    exp_.push_back(0);  // 0 past its end
  }

  // The character of one row; q holds its logits in 1/256 nat.
  int sample(const int32_t* q, Start& start, uint64_t position) {
    const int rank = start.first_rank;
    start.first_rank = 0;
    const int32_t largest = max_of(q);
    if (start.inverse_temperature == 0) return rank == 0 ? int(std::find(q, q + outputs_, largest) - q) : ranked(q, rank);
    weigh(q, largest, start.inverse_temperature);
    if (start.top_k != 0 || start.top_p < kTransparent || start.min_p != 0) truncate(q, start);
    const int64_t total = sums_.back();
    const int64_t u = philox_word(start.seed, position, start.alternative);
    const int64_t threshold = (u * (total >> 16) + ((u * (total & 0xffff)) >> 16)) >> 16;  // below the total
    // The first whose running sum exceeds it.
    int first = 0;
    for (int i = 0; i < outputs_; ++i) first += sums_[i] <= threshold;
    return first;
  }

  // Surprise in 1/256 nat and log-probability of a character at temperature 1, without truncation.
  void account(const int32_t* q, int character, int64_t* surprise, double* log_probability) {
    if (character >= outputs_) {
      *surprise = kUnknownSurprise;
      *log_probability = -kUnknownNats;
      return;
    }
    const int32_t largest = max_of(q);
    weigh(q, largest, 1 << 16);
    double sum = 0;
    for (int i = 0; i < outputs_; ++i) sum += std::exp(-double(int64_t(largest) - q[i]) / 256);
    const int64_t d = int64_t(largest) - q[character];
    *surprise = d + (std::upper_bound(log_.begin(), log_.end(), sums_.back()) - log_.begin());
    *log_probability = -double(d) / 256 - std::log(sum);
  }

 private:
  static constexpr double kUnknownNats = 13.923568233015342;  // ln 1114112
  static constexpr int64_t kUnknownSurprise = 3564;           // rint(256 ln 1114112)

  int32_t max_of(const int32_t* q) const {
    int32_t largest = q[0];
    for (int i = 1; i < outputs_; ++i) largest = std::max(largest, q[i]);
    return largest;
  }

  // Weights at a temperature, and their running sums. q spans at most 2^21, so that products stay below 2^42.
  void weigh(const int32_t* __restrict q, int32_t largest, int64_t inverse_temperature) {
    const int outputs = outputs_;  // here, where no store can change it, so that the loop becomes vector instructions
    const uint32_t end = uint32_t(exp_.size()) - 1, t = uint32_t(inverse_temperature);
    int32_t* __restrict w = weights_.data();
    for (int i = 0; i < outputs; ++i) w[i] = int32_t(std::min(uint32_t((uint64_t(uint32_t(largest - q[i])) * t) >> 16), end));
    const int32_t* __restrict exp = exp_.data();
    int64_t* __restrict sums = sums_.data();
    int64_t running = 0;
    for (int i = 0; i < outputs; ++i) sums[i] = running += w[i] = exp[w[i]];
  }

  void rank(const int32_t* q) {
    for (int i = 0; i < outputs_; ++i) ranked_[i] = i;
    std::sort(ranked_.begin(), ranked_.end(), [q](int a, int b) { return q[a] != q[b] ? q[a] > q[b] : a < b; });
  }

  int ranked(const int32_t* q, int place) {
    rank(q);
    return ranked_[place];
  }

  // Sets the weights of all but top-k, top-p and min-p to 0.
  void truncate(const int32_t* q, const Start& start) {
    rank(q);
    const int kept = start.top_k == 0 ? outputs_ : int(std::min<int64_t>(start.top_k, outputs_));
    int64_t left = 0;
    for (int i = 0; i < kept; ++i) left += weights_[ranked_[i]];
    const int64_t largest = weights_[ranked_[0]];
    int64_t before = 0;
    for (int i = 0; i < outputs_; ++i) {
      int32_t& weight = weights_[ranked_[i]];
      const bool keep =
          i == 0 || (i < kept && before * kTransparent < start.top_p * left && int64_t(weight) * kTransparent >= start.min_p * largest);
      before += weight;
      if (!keep) weight = 0;
    }
    int64_t running = 0;
    for (int i = 0; i < outputs_; ++i) sums_[i] = running += weights_[i];
  }

  int outputs_;
  std::vector<int32_t> exp_;
  std::vector<int64_t> log_;
  std::vector<int32_t> weights_;
  std::vector<int64_t> sums_;  // running, in index order
  std::vector<int> ranked_;
};

}  // namespace
}  // namespace elman
