// The model and the rows as C++ sees them: LAW.md's words for what the kernels share. Knows neither Python nor any instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace elman {

constexpr int kTanhReach = 1024;
constexpr int kLogitReach = 1 << 20;
constexpr int kTransparent = 1 << 16;  // top_p and min_p are counted in 1/65536

// One matrix over a concatenation, with a scale a row and a bias row a character (or one bias row).
struct Affine {
  int size;              // outputs
  int width;             // inputs
  const int8_t* weight;  // (size, width)
  const float* scale;    // (size)
  const float* bias;     // (bias_rows, size)
  int bias_rows;
  std::vector<int> inputs;  // the layers whose present outputs are read, in order
  bool reads_itself;        // whether its own previous output follows them
};

struct Tables {
  const int8_t* tanh;  // (2049)
  const int32_t* exp;
  int exp_length;
  const int64_t* log;
  int log_length;
};

// How far back is recalled, and what that is worth: law/recall.py, Recall.
struct RecallClasses {
  int window = 0;                 // 0: no recall
  std::vector<int32_t> lengths, unanimous, shares, rivals, distances;
  const int32_t* odds = nullptr;  // (lengths + 1, unanimous + shares + 2, rivals + 1, distances + 1)
  int odds_length = 0;
};

// The end of a text, of which at least kTextMargin bytes before the first character that is seen may be read.
constexpr int kTextMargin = 128;
struct TextEnd {
  uint8_t* bytes = nullptr;   // just behind the last character: the low byte of each
  uint32_t* wide = nullptr;   // the same in full, where a byte does not hold the vocabulary; otherwise null
};

// What is recalled at the end of a text: law/recall.py, Recalled.
struct Recalled {
  int length = 0;
  int32_t character = -1;
  int same = 0, other = 0, rival = 0, distance = 0;
};

struct Model {
  std::vector<Affine> layers;
  Affine output;
  Tables tables;
  RecallClasses recall;
  int state_size() const {
    int size = 0;
    for (const Affine& layer : layers) size += layer.size;
    return size;
  }
};

// What a row begins with: execution/protocol.py, Start.
struct Start {
  uint64_t position = 0;
  uint64_t seed = 0;
  int64_t inverse_temperature = 0;  // 0: temperature 0
  int64_t top_k = 0;                // 0: all
  int64_t top_p = kTransparent;
  int64_t min_p = 0;
  uint32_t alternative = 0;
  int32_t first_rank = 0;  // consumed by the first sampled character
};

// How far one row moves: execution/protocol.py, Advance. Outputs are written where the pointers say.
struct Advance {
  int row;
  int skipped, scored, sampled;
  const int32_t* to_skip;     // (skipped)
  const int32_t* to_score;    // (scored)
  int32_t* characters;        // (sampled)
  int64_t* surprises;         // (scored + sampled), or null
  double* log_probabilities;  // (scored + sampled), or null
  bool* is_recalled;          // (scored + sampled), or null
  TextEnd text;             // of the row before it moves; what it consumes and draws is written behind it
  int seen;                 // the characters before that
  int8_t* states;             // (sampled + 1, state size): after the forced characters and after each sampled one
  int steps() const { return skipped + scored + sampled; }
};

// The rows of one model under one instruction set.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual void load(int row, const int8_t* state, const Start& start) = 0;
  virtual void run(std::vector<Advance>& advances) = 0;
};

std::unique_ptr<Machine> make_portable(const Model& model, int rows);
std::unique_ptr<Machine> make_avx2(const Model& model, int rows);
std::unique_ptr<Machine> make_dotprod(const Model& model, int rows);
std::unique_ptr<Machine> make_avx512vnni(const Model& model, int rows);
std::unique_ptr<Machine> make_avx512vbmi(const Model& model, int rows);

// What is recalled at the end of a text of which the last `count` characters are seen.
Recalled recall_portable(TextEnd end, int count);
Recalled recall_avx2(TextEnd end, int count);
Recalled recall_dotprod(TextEnd end, int count);
Recalled recall_avx512vnni(TextEnd end, int count);
Recalled recall_avx512vbmi(TextEnd end, int count);

}  // namespace elman
