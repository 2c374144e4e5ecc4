// What one run did, as Python asks for it.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "text.h"

namespace elman {

// The parts of each row follow one another in the order of the advances.
class Outcome {
 public:
  struct Part {
    size_t drawn, accounted, states;  // where the row's own begin
    int sampled, account_length;      // characters drawn; characters of which there is an account
    uint64_t position;                // after the forced characters
    std::shared_ptr<Text> text;       // of the row; null without recall
    size_t forced_end;                // where the forced characters end in it
  };

  Outcome(std::vector<Part> parts, size_t drawn, size_t accounted, size_t states, int state_size, int window);

  const Part& part(size_t index) const { return parts_.at(index); }

  std::unique_ptr<int32_t[]> characters;
  std::unique_ptr<int64_t[]> surprises;
  std::unique_ptr<double[]> log_probabilities;
  std::unique_ptr<bool[]> is_recalled;
  std::unique_ptr<int8_t[]> states;

  // As in execution/protocol.py, Outcome; views keep the outcome alive.
  using Self = nanobind::pointer_and_handle<Outcome>;
  nanobind::list get_characters(size_t index) const;
  static nanobind::tuple get_account(Self self, size_t index);
  nanobind::tuple get_state(size_t index, int sampled) const;  // a copy
  static nanobind::tuple get_passage(Self self, size_t index);

 private:
  std::vector<Part> parts_;
  size_t state_size_;
  size_t window_;
};

}  // namespace elman
