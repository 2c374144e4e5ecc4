// The rows of a model, stepped together: the same source for every instruction set, which it takes as a parameter.
//
//   packed weights, one group of up to kBlocks blocks of kLanes outputs after another:
//     group 0: [k 0: block 0, block 1, ...] [k 1: ...] ...      k counts groups of kGroup inputs, the products of one instruction
//   A tile is some rows by one group: its sums stay in registers while k runs over the whole concatenation.
#pragma once

#include "machine_includes.h"
#include "law.h"
#include "recall.h"
#include "sampler.h"

namespace elman {
namespace {

constexpr int kAlign = 64;

template <typename T>
struct Aligned {
  struct Free {
    void operator()(T* pointer) const { ::operator delete[](pointer, std::align_val_t(kAlign)); }
  };
  std::unique_ptr<T[], Free> data;
  size_t size = 0;
  Aligned() = default;
  explicit Aligned(size_t count)
      : data(static_cast<T*>(::operator new[](std::max<size_t>(count, 1) * sizeof(T), std::align_val_t(kAlign)))), size(count) {
    std::fill_n(data.get(), count, T());
  }
  T* get() const { return data.get(); }
  T& operator[](size_t i) const { return data[i]; }
};

inline int round_up(int value, int step) { return (value + step - 1) / step * step; }

// What turns the sums of a block into what the law rounds: `sum - correction` is M x.
struct Terms {
  const int32_t* correction;
  const float *scale, *bias;
  Terms block(int lanes) const { return {correction + lanes, scale + lanes, bias + lanes}; }
};

// TANH by its index, as numbers of type T, encoded as the outputs are.
template <typename T, int kOffset>
class TanhTable {
 public:
  explicit TanhTable(const int8_t* tanh) {
    for (int i = 0; i <= 2 * kTanhReach; ++i) entries_[i] = T(tanh[i] + kOffset);
  }
  const T* middle() const { return entries_ + kTanhReach; }  // of index 0
  T at(int a) const { return middle()[a]; }

 private:
  T entries_[2 * kTanhReach + 1];
};

// A part of a concatenation: the outputs of one layer, in the present state or in the previous one.
struct Segment {
  bool is_present;
  int offset;  // in elements, within a row's state
  int groups;  // of kGroup elements
};

template <typename Isa>
struct Packed {
  using Element = typename Isa::Element;
  using Weight = typename Isa::Weight;

  int size, blocks, padded;  // outputs; blocks of kLanes; blocks * kLanes
  int groups = 0;            // of kGroup inputs, over all segments
  std::vector<Segment> segments;
  Aligned<Weight> weight;
  Aligned<float> scale, bias;   // padded; bias_rows * padded
  Aligned<int32_t> correction;  // what the encoding of the inputs adds to each sum
  int bias_rows;

  Packed(const Affine& affine, const std::vector<int>& offsets, const std::vector<int>& sizes, int own)
      : size(affine.size),
        blocks(round_up(affine.size, Isa::kLanes) / Isa::kLanes),
        padded(blocks * Isa::kLanes),
        bias_rows(affine.bias_rows) {
    for (int input : affine.inputs) add_segment(offsets[input], sizes[input], true);
    if (affine.reads_itself) add_segment(offsets[own], sizes[own], false);
    pack(affine, sizes, own);
  }

 private:
  void add_segment(int offset, int inputs, bool is_present) {
    segments.push_back({is_present, offset, round_up(inputs, Isa::kGroup) / Isa::kGroup});
    groups += segments.back().groups;
  }

  void pack(const Affine& affine, const std::vector<int>& sizes, int own) {
    weight = Aligned<Weight>(size_t(groups) * Isa::kGroup * padded);
    scale = Aligned<float>(padded);
    bias = Aligned<float>(size_t(bias_rows) * padded);
    correction = Aligned<int32_t>(padded);
    std::vector<int> widths;
    for (int input : affine.inputs) widths.push_back(sizes[input]);
    if (affine.reads_itself) widths.push_back(sizes[own]);
    int column = 0, first_group = 0;
    for (size_t s = 0; s < segments.size(); ++s) {
      for (int i = 0; i < widths[s]; ++i) pack_column(affine, column + i, first_group + i / Isa::kGroup, i % Isa::kGroup);
      column += widths[s];
      first_group += segments[s].groups;
    }
    for (int o = 0; o < size; ++o) {
      int64_t sum = 0;
      for (int k = 0; k < affine.width; ++k) sum += affine.weight[size_t(o) * affine.width + k];
      correction[o] = int32_t(Isa::kOffset * sum);
      scale[o] = affine.scale[o];
      for (int row = 0; row < bias_rows; ++row) bias[size_t(row) * padded + o] = affine.bias[size_t(row) * size + o];
    }
  }

  void pack_column(const Affine& affine, int column, int group, int element) {
    for (int o = 0; o < size; ++o) {
      const int block = o / Isa::kLanes, lane = o % Isa::kLanes;
      const int first = block / Isa::kBlocks * Isa::kBlocks;  // of its group of blocks
      const int count = std::min(Isa::kBlocks, blocks - first);
      const size_t at = size_t(first) * groups + size_t(group) * count + (block - first);
      weight[(at * Isa::kLanes + lane) * Isa::kGroup + element] = affine.weight[size_t(o) * affine.width + column];
    }
  }
};

template <typename Isa>
class Rows final : public Machine {
  using Element = typename Isa::Element;
  using Sum = typename Isa::Sum;

 public:
  Rows(const Model& model, int rows)
      : sampler_(model.tables, model.output.size), odds_(model.recall, model.output.size), tanh_(model.tables.tanh), state_size_(model.state_size()) {
    for (const Affine& layer : model.layers) {
      sizes_.push_back(layer.size);
      offsets_.push_back(stride_);
      stride_ += round_up(layer.size, kAlign);
    }
    for (size_t l = 0; l < model.layers.size(); ++l) layers_.emplace_back(model.layers[l], offsets_, sizes_, int(l));
    output_.emplace_back(model.output, offsets_, sizes_, -1);
    states_ = Aligned<Element>(size_t(2) * rows * stride_);
    is_odd_.assign(rows, 0);
    starts_.resize(rows);
    logits_ = Aligned<int32_t>(size_t(rows) * output_[0].padded);
    moving_.resize(rows);
    characters_.resize(rows);
    asking_.resize(rows);
  }

  void load(int row, const int8_t* state, const Start& start) override {
    starts_[row] = start;
    Element* to = present(row);
    for (size_t l = 0; l < sizes_.size(); ++l)
      for (int i = 0; i < sizes_[l]; ++i) to[offsets_[l] + i] = Element(*state++ + Isa::kOffset);
  }

  void run(std::vector<Advance>& advances) override {
    if (advances.empty()) return;
    std::stable_sort(advances.begin(), advances.end(), [](const Advance& a, const Advance& b) { return a.steps() > b.steps(); });
    for (const Advance& advance : advances)
      if (advance.skipped + advance.scored == 0) save(advance.row, advance.states);
    size_t moving = advances.size();
    for (int step = 0; step < advances[0].steps(); ++step) {
      while (advances[moving - 1].steps() <= step) --moving;
      choose(advances, moving, step);
      advance_states(moving);
      for (size_t i = 0; i < moving; ++i) {
        const int forced = advances[i].skipped + advances[i].scored;
        if (step + 1 >= forced) save(advances[i].row, advances[i].states + size_t(step + 1 - forced) * state_size_);
      }
    }
    for (const Advance& advance : advances) starts_[advance.row].position += advance.steps();
  }

 private:
  Element* present(int row) const { return states_.get() + (size_t(2) * row + is_odd_[row]) * stride_; }
  Element* other(int row) const { return states_.get() + (size_t(2) * row + !is_odd_[row]) * stride_; }

  // The character of each moving row: forced, or drawn from its logits.
  void choose(const std::vector<Advance>& advances, size_t moving, int step) {
    int asking = 0;
    for (size_t i = 0; i < moving; ++i) {
      moving_[i] = advances[i].row;
      if (step >= advances[i].skipped) asking_[asking++] = advances[i].row;
    }
    if (asking) logits(asking);
    const int32_t* q = logits_.get();
    for (size_t i = 0; i < moving; ++i) {
      const Advance& a = advances[i];
      if (step < a.skipped) {
        characters_[i] = a.to_skip[step];
      } else {
        characters_[i] = choose_one(a, step, q);
        q += output_[0].padded;
      }
      if (a.text.bytes) a.text.bytes[step] = uint8_t(characters_[i]);
      if (a.text.wide) a.text.wide[step] = uint32_t(characters_[i]);
    }
  }

  int32_t choose_one(const Advance& a, int step, const int32_t* q) {
    Start& start = starts_[a.row];
    const int forced = a.skipped + a.scored;
    const Favourite favourite = odds_.window() ? favourite_of(a, step) : Favourite{};
    int32_t character;
    if (step < forced) {
      character = a.to_score[step - a.skipped];
    } else {
      character = sampler_.sample(q, start, start.position + step, favourite);
      a.characters[step - forced] = character;
    }
    if (a.surprises) {
      const int at = step - a.skipped;
      sampler_.account(q, character, favourite, a.surprises + at, a.log_probabilities + at);
      a.is_recalled[at] = favourite.odds && character == favourite.character;
    }
    return character;
  }

  Favourite favourite_of(const Advance& a, int step) const {
    const TextEnd end{a.text.bytes + step, a.text.wide ? a.text.wide + step : nullptr};
    return odds_.of(recall(end, std::min(odds_.window(), a.seen + step)));
  }

  void save(int row, int8_t* to) const {
    for (size_t l = 0; l < sizes_.size(); ++l) {
      decode(present(row) + offsets_[l], to, sizes_[l]);
      to += sizes_[l];
    }
  }

  static void decode(const Element* __restrict from, int8_t* __restrict to, int count) {
    for (int i = 0; i < count; ++i) to[i] = int8_t(from[i] - Isa::kOffset);
  }

  // h' = tanh(U x + W h + b) for the moving rows.
  void advance_states(size_t moving) {
    for (const Packed<Isa>& layer : layers_) {
      const int own = offsets_[&layer - layers_.data()];
      product(layer, moving_.data(), int(moving), true, [&](int i, int block, const auto& sums) {
        const int row = layer.bias_rows == 1 ? 0 : characters_[i];
        const int at = block * Isa::kLanes;
        const Terms terms{layer.correction.get() + at, layer.scale.get() + at, layer.bias.get() + size_t(row) * layer.padded + at};
        Isa::activate(sums, terms, tanh_, other(moving_[i]) + own + at);
      });
    }
    for (size_t i = 0; i < moving; ++i) is_odd_[moving_[i]] ^= 1;
  }

  // q = V h + c for the asking rows.
  void logits(int asking) {
    const Packed<Isa>& output = output_[0];
    product(output, asking_.data(), asking, false, [&](int i, int block, const auto& sums) {
      const int at = block * Isa::kLanes;
      const Terms terms{output.correction.get() + at, output.scale.get() + at, output.bias.get() + at};
      Isa::logits(sums, terms, logits_.get() + size_t(i) * output.padded + at);
    });
  }

  // Calls `take(row index, first block, sums)` with up to kBlocks blocks of M x.
  // Present outputs of a step in progress lie in the other state.
  template <typename Take>
  void product(const Packed<Isa>& m, const int* rows, int count, bool is_step, Take&& take) const {
    for (int first = 0; first < m.blocks; first += Isa::kBlocks) {
      const int blocks = std::min(Isa::kBlocks, m.blocks - first);
      int i = 0;
      for (; i + Isa::kRows <= count; i += Isa::kRows) tile<Isa::kRows>(m, rows, i, first, blocks, is_step, take);
      tail<Isa::kRows - 1>(m, rows, i, count - i, first, blocks, is_step, take);
    }
  }

  template <int R, typename Take>
  void tail(const Packed<Isa>& m, const int* rows, int i, int left, int first, int blocks, bool is_step, Take&& take) const {
    if constexpr (R > 0) {
      if (left == R) {
        tile<R>(m, rows, i, first, blocks, is_step, take);
      } else {
        tail<R - 1>(m, rows, i, left, first, blocks, is_step, take);
      }
    }
  }

  template <int R, typename Take>
  void tile(const Packed<Isa>& m, const int* rows, int i, int first, int blocks, bool is_step, Take&& take) const {
    switch (blocks) {
      case 1: return tile_of<R, 1>(m, rows, i, first, is_step, take);
      case 2: return tile_of<R, 2>(m, rows, i, first, is_step, take);
      case 3: return tile_of<R, 3>(m, rows, i, first, is_step, take);
      default: return tile_of<R, 4>(m, rows, i, first, is_step, take);
    }
  }

  template <int R, int B, typename Take>
  void tile_of(const Packed<Isa>& m, const int* rows, int i, int first, bool is_step, Take&& take) const {
    static_assert(Isa::kBlocks == 4);
    constexpr int kUnroll = R * B >= 12 ? 1 : R * B >= 6 ? 2 : 4;  // enough independent sums to hide the latency of one product
    Sum sums[kUnroll][R][B];
    for (auto& unrolled : sums)
      for (auto& row : unrolled)
        for (Sum& sum : row) sum = Isa::zero();
    const typename Isa::Weight* w = m.weight.get() + size_t(first) * m.groups * Isa::kLanes * Isa::kGroup;
    for (const Segment& segment : m.segments) {
      const Element* x[R];
      for (int r = 0; r < R; ++r) x[r] = (is_step && segment.is_present ? other(rows[i + r]) : present(rows[i + r])) + segment.offset;
      int k = 0;
      for (; k + kUnroll <= segment.groups; k += kUnroll) {
        for (int u = 0; u < kUnroll; ++u) multiply<R, B>(sums[u], x, k + u, w + size_t(u) * B * Isa::kLanes * Isa::kGroup);
        w += size_t(kUnroll) * B * Isa::kLanes * Isa::kGroup;
      }
      for (; k < segment.groups; ++k) {
        multiply<R, B>(sums[0], x, k, w);
        w += size_t(B) * Isa::kLanes * Isa::kGroup;
      }
    }
    for (int r = 0; r < R; ++r) {
      for (int u = 1; u < kUnroll; ++u)
        for (int b = 0; b < B; ++b) sums[0][r][b] = Isa::add(sums[0][r][b], sums[u][r][b]);
      take(i + r, first, sums[0][r]);
    }
  }

  template <int R, int B>
  static inline __attribute__((always_inline)) void multiply(Sum (&sums)[R][B], const Element* const (&x)[R], int k,
                                                             const typename Isa::Weight* w) {
    typename Isa::Weights weights[B];
    for (int b = 0; b < B; ++b) weights[b] = Isa::load(w + size_t(b) * Isa::kLanes * Isa::kGroup);
    for (int r = 0; r < R; ++r) {
      const auto input = Isa::broadcast(x[r] + size_t(k) * Isa::kGroup);
      for (int b = 0; b < B; ++b) sums[r][b] = Isa::multiply_add(sums[r][b], input, weights[b]);
    }
  }

  Sampler sampler_;
  Odds odds_;
  typename Isa::Tanh tanh_;
  int state_size_, stride_ = 0;  // bytes of a state; elements of a row's state, each layer from a multiple of 64 on
  std::vector<int> sizes_, offsets_;
  std::vector<Packed<Isa>> layers_, output_;
  Aligned<Element> states_;      // (rows, 2, stride): the present state and the one being made, in turn
  std::vector<uint8_t> is_odd_;  // which of the two is the present one
  std::vector<Start> starts_;
  Aligned<int32_t> logits_;  // (asking rows, padded outputs)
  std::vector<int> moving_, asking_;
  std::vector<int32_t> characters_;
};

}  // namespace
}  // namespace elman
