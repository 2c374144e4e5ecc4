// LAW.md, Sampling: integers only, but for the log-probabilities that are reported. Compiled once for each instruction set.
#pragma once

#include "machine_includes.h"
#include "law.h"
#include "recall.h"

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

// The character that recall favours, and how much: lambda / (1 - lambda), in 1/65536.
struct Favourite {
  int character = 0;
  int64_t odds = 0;  // 0: none is favoured
};

// What a recall is worth: law/recall.py, Recall.
class Odds {
 public:
  Odds(const RecallClasses& recall, int outputs)
      : window_(recall.window),
        outputs_(outputs),
        agreements_(int(recall.unanimous.size() + recall.shares.size()) + 2),
        unanimous_(recall.unanimous),
        shares_(recall.shares),
        rivals_(recall.rivals),
        distances_(recall.distances),
        odds_(recall.odds, recall.odds + recall.odds_length) {
    for (int length = 0; length <= kMost; ++length) row_of_length_[length] = at_most(recall.lengths, length);
  }

  int window() const { return window_; }

  Favourite of(const Recalled& recalled) const {
    if (recalled.character < 0 || recalled.character >= outputs_) return {};
    const int agreement = recalled.other ? divided(recalled.same, recalled.same + recalled.other) : at_most(unanimous_, recalled.same);
    const int rival = reached(rivals_, recalled.rival, recalled.length), distance = at_most(distances_, recalled.distance);
    const int column = (agreement * (int(rivals_.size()) + 1) + rival) * (int(distances_.size()) + 1) + distance;
    return {recalled.character, odds_[row_of_length_[recalled.length] * columns() + column]};
  }

 private:
  int columns() const { return agreements_ * (int(rivals_.size()) + 1) * (int(distances_.size()) + 1); }

  int divided(int same, int total) const { return int(unanimous_.size()) + 1 + reached(shares_, same, total); }

  // How many of the tenths a part reaches.
  static int reached(const std::vector<int32_t>& tenths, int part, int whole) {
    int count = 0;
    for (int32_t each : tenths) count += each * whole <= 10 * part;
    return count;
  }

  static int at_most(const std::vector<int32_t>& bounds, int value) {
    int count = 0;
    for (int32_t bound : bounds) count += bound <= value;
    return count;
  }

  int window_, outputs_, agreements_;
  int row_of_length_[kMost + 1];
  std::vector<int32_t> unanimous_, shares_, rivals_, distances_, odds_;
};

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
  int sample(const int32_t* q, Start& start, uint64_t position, Favourite favourite) {
    const int place = start.first_rank;
    start.first_rank = 0;
    const int32_t largest = max_of(q);
    if (start.inverse_temperature == 0) return greedy(q, largest, place, favourite);
    weigh(q, largest, start.inverse_temperature, favourite);
    if (start.top_k != 0 || start.top_p < kTransparent || start.min_p != 0) truncate(q, start);
    const int64_t total = sum();
    const int64_t u = philox_word(start.seed, position, start.alternative);
    const int64_t threshold = (u * (total >> 16) + ((u * (total & 0xffff)) >> 16)) >> 16;  // below the total
    int first = 0;  // whose running sum exceeds it
    for (int i = 0; i < favourite_; ++i) first += sums_[i] <= threshold;
    for (int i = favourite_; i < outputs_; ++i) first += sums_[i] + boost_ <= threshold;
    return first;
  }

  // Surprise in 1/256 nat and log-probability of a character at temperature 1, without truncation.
  void account(const int32_t* q, int character, Favourite favourite, int64_t* surprise, double* log_probability) {
    if (character >= outputs_) {
      *surprise = kUnknownSurprise;
      *log_probability = -kUnknownNats;
      return;
    }
    const int32_t largest = max_of(q);
    weigh(q, largest, kPlain, favourite);
    double exponentials = 0;
    for (int i = 0; i < outputs_; ++i) exponentials += std::exp(-double(int64_t(largest) - q[i]) / 256);
    const int64_t d = int64_t(largest) - q[character];
    const double odds = double(favourite.odds) / kTransparent;
    if (boost_ && character == favourite_) {
      *surprise = depth(weight(character)) + at_most(sum());
      *log_probability = std::log((std::exp(-double(d) / 256) / exponentials + odds) / (1 + odds));
    } else {
      *surprise = d + at_most(sum());
      *log_probability = -double(d) / 256 - std::log(exponentials) - std::log1p(odds);
    }
  }

 private:
  static constexpr int64_t kPlain = 1 << 16;                  // the inverse of temperature 1
  static constexpr double kUnknownNats = 13.923568233015342;  // ln 1114112
  static constexpr int64_t kUnknownSurprise = 3564;           // rint(256 ln 1114112)

  // What temperature 0 takes: the character of this rank by the weights of temperature 1.
  int greedy(const int32_t* q, int32_t largest, int place, Favourite favourite) {
    const int best = int(std::find(q, q + outputs_, largest) - q);
    if (place == 0 && favourite.odds == 0) return best;
    weigh(q, largest, kPlain, favourite);
    if (place == 0) return weight(favourite_) > weights_[best] ? favourite_ : best;  // a tie goes to the larger logit
    rank(q);
    return ranked_[place];
  }

  // The least d with EXP[d] <= w; below 0 where w exceeds EXP[0].
  int64_t depth(int64_t w) const {
    if (w > exp_[0]) return -at_most(w);
    return std::lower_bound(exp_.begin(), exp_.end(), w, [](int32_t entry, int64_t bound) { return entry > bound; }) - exp_.begin();
  }

  // The number of entries of LOG that are at most a sum.
  int64_t at_most(int64_t sum) const { return std::upper_bound(log_.begin(), log_.end(), sum) - log_.begin(); }

  int64_t sum() const { return sums_.back() + boost_; }
  int64_t weight(int i) const { return weights_[i] + (i == favourite_ ? boost_ : 0); }

  int32_t max_of(const int32_t* q) const {
    int32_t largest = q[0];
    for (int i = 1; i < outputs_; ++i) largest = std::max(largest, q[i]);
    return largest;
  }

  // Weights at a temperature, their running sums, and what recall adds to one of them.
  void weigh(const int32_t* q, int32_t largest, int64_t inverse_temperature, Favourite favourite) {
    weigh_all(q, largest, inverse_temperature);
    favourite_ = favourite.character;
    boost_ = (sums_.back() * favourite.odds) >> 16;
  }

  // q spans at most 2^21, so that products stay below 2^42.
  void weigh_all(const int32_t* __restrict q, int32_t largest, int64_t inverse_temperature) {
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
    std::sort(ranked_.begin(), ranked_.end(), [this, q](int a, int b) {
      const int64_t of_a = weight(a), of_b = weight(b);
      return of_a != of_b ? of_a > of_b : q[a] != q[b] ? q[a] > q[b] : a < b;
    });
  }

  // Leaves in the running sums only what top-k, top-p and min-p keep.
  void truncate(const int32_t* q, const Start& start) {
    rank(q);
    const int kept = start.top_k == 0 ? outputs_ : int(std::min<int64_t>(start.top_k, outputs_));
    int64_t left = 0;
    for (int i = 0; i < kept; ++i) left += weight(ranked_[i]);
    const int64_t largest = weight(ranked_[0]);
    std::fill(sums_.begin(), sums_.end(), 0);
    int64_t before = 0;
    for (int i = 0; i < kept; ++i) {
      const int64_t w = weight(ranked_[i]);
      if (i == 0 || (before * kTransparent < start.top_p * left && w * kTransparent >= start.min_p * largest)) sums_[ranked_[i]] = w;
      before += w;
    }
    int64_t running = 0;
    for (int i = 0; i < outputs_; ++i) sums_[i] = running += sums_[i];
    boost_ = 0;  // it is in the sums
  }

  int outputs_;
  std::vector<int32_t> exp_;
  std::vector<int64_t> log_;
  std::vector<int32_t> weights_;
  std::vector<int64_t> sums_;  // running, in index order
  std::vector<int> ranked_;
  int favourite_ = 0;
  int64_t boost_ = 0;  // what recall adds to the favourite's weight, and to each running sum from there on
};

}  // namespace
}  // namespace elman
