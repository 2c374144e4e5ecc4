// A model as Python hands it over.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <utility>
#include <vector>

#include "law.h"

namespace elman {

template <typename T>
using Array = nanobind::ndarray<const T, nanobind::c_contig, nanobind::device::cpu>;

using AnyArray = nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;

// Gathers a model, matrix by matrix; everything is copied when the rows are made, and held until then.
class Builder {
 public:
  void layer(Array<int8_t> weight, Array<float> scale, Array<float> bias, std::vector<int> inputs) {
    hold(weight, scale, bias);
    model_.layers.push_back(affine(weight, scale, bias, std::move(inputs), true));
  }
  void output(Array<int8_t> weight, Array<float> scale, Array<float> bias, std::vector<int> inputs) {
    hold(weight, scale, bias);
    model_.output = affine(weight, scale, bias, std::move(inputs), false);
  }
  void tables(Array<int8_t> tanh, Array<int32_t> exp, Array<int64_t> log) {
    hold(tanh, exp, log);
    model_.tables = {tanh.data(), exp.data(), int(exp.size()), log.data(), int(log.size())};
  }
  void recall(int window, Array<int32_t> lengths, Array<int32_t> unanimous, Array<int32_t> shares, Array<int32_t> rivals,
              Array<int32_t> distances, Array<int32_t> odds) {
    hold(odds);
    model_.recall = {window, list(lengths), list(unanimous), list(shares), list(rivals), list(distances), odds.data(), int(odds.size())};
  }
  const Model& model() const { return model_; }

 private:
  static Affine affine(Array<int8_t>& weight, Array<float>& scale, Array<float>& bias, std::vector<int> inputs, bool reads_itself) {
    const int bias_rows = bias.ndim() == 2 ? int(bias.shape(0)) : 1;
    const int size = int(weight.shape(0)), width = int(weight.shape(1));
    return {size, width, weight.data(), scale.data(), bias.data(), bias_rows, std::move(inputs), reads_itself};
  }
  static std::vector<int32_t> list(const Array<int32_t>& array) { return {array.data(), array.data() + array.size()}; }
  template <typename... Arrays>
  void hold(const Arrays&... arrays) {
    // Each may be a copy that nobody else holds, because the original has other strides or another type.
    (held_.push_back(std::make_shared<Arrays>(arrays)), ...);
  }

  Model model_;
  std::vector<std::shared_ptr<void>> held_;
};

}  // namespace elman
