// elman_models._native: the rows of a model behind one Python class. The law is in machine.h and sampler.h; here is only the way in.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>

#include "law.h"

namespace nb = nanobind;

namespace elman {
namespace {

template <typename T>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <typename T>
using Output = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

bool has(const std::string& instructions) {
  if (instructions == "portable") return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (instructions == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (instructions == "avx512vnni")
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#endif
  return false;
}

std::vector<std::string> instruction_sets() {
  std::vector<std::string> sets;
  for (const char* name : {"avx512vnni", "avx2", "portable"})
    if (has(name)) sets.push_back(name);
  return sets;
}

std::unique_ptr<Machine> make(const std::string& instructions, const Model& model, int rows) {
  if (!has(instructions)) throw std::invalid_argument("instructions: this machine lacks " + instructions);
#if defined(__x86_64__)
  if (instructions == "avx512vnni") return make_avx512vnni(model, rows);
  if (instructions == "avx2") return make_avx2(model, rows);
#endif
  return make_portable(model, rows);
}

// Gathers a model, matrix by matrix; everything is copied when the rows are made.
class Builder {
 public:
  void layer(Array<int8_t> weight, Array<float> scale, Array<float> bias, std::vector<int> inputs) {
    model_.layers.push_back(affine(weight, scale, bias, std::move(inputs), true));
  }
  void output(Array<int8_t> weight, Array<float> scale, Array<float> bias, std::vector<int> inputs) {
    model_.output = affine(weight, scale, bias, std::move(inputs), false);
  }
  void tables(Array<int8_t> tanh, Array<int32_t> exp, Array<int64_t> log) {
    model_.tables = {tanh.data(), exp.data(), int(exp.size()), log.data(), int(log.size())};
  }
  const Model& model() const { return model_; }

 private:
  static Affine affine(Array<int8_t>& weight, Array<float>& scale, Array<float>& bias, std::vector<int> inputs, bool reads_itself) {
    const int bias_rows = bias.ndim() == 2 ? int(bias.shape(0)) : 1;
    return {int(weight.shape(0)), int(weight.shape(1)), weight.data(), scale.data(), bias.data(), bias_rows, std::move(inputs), reads_itself};
  }
  Model model_;
};

class NativeRows {
 public:
  NativeRows(const Builder& builder, int rows, const std::string& instructions)
      : state_size_(builder.model().state_size()), machine_(make(instructions, builder.model(), rows)) {}

  void load(int row, Array<int8_t> state, uint64_t position, uint64_t seed, int64_t inverse_temperature, int64_t top_k, int64_t top_p,
            int64_t min_p, uint32_t alternative, int32_t first_rank) {
    machine_->load(row, state.data(), Start{position, seed, inverse_temperature, top_k, top_p, min_p, alternative, first_rank});
  }

  // plan: (advances, 5) of row, skipped, scored, sampled, is accounted; the outputs follow one another in the order of the plan.
  void run(Array<int32_t> plan, Array<int32_t> forced, Output<int32_t> characters, Output<int64_t> surprises,
           Output<double> log_probabilities, Output<int8_t> states) {
    std::vector<Advance> advances;
    const int32_t* given = forced.data();
    int32_t* drawn = characters.data();
    int64_t* surprise = surprises.data();
    double* log_probability = log_probabilities.data();
    int8_t* state = states.data();
    for (size_t i = 0; i < plan.shape(0); ++i) {
      const int32_t* p = plan.data() + i * 5;
      const bool is_accounted = p[4] != 0;
      advances.push_back({p[0], p[1], p[2], p[3], given, drawn, is_accounted ? surprise : nullptr, is_accounted ? log_probability : nullptr, state});
      given += p[1] + p[2];
      drawn += p[3];
      if (is_accounted) surprise += p[2] + p[3], log_probability += p[2] + p[3];
      state += size_t(p[3] + 1) * state_size_;
    }
    nb::gil_scoped_release release;
    machine_->run(advances);
  }

 private:
  int state_size_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace
}  // namespace elman

NB_MODULE(_native, m) {
  using namespace elman;
  m.def("instruction_sets", &instruction_sets, "The instruction sets that this machine has, the fastest first.");
  nb::class_<Builder>(m, "Builder").def(nb::init<>()).def("layer", &Builder::layer).def("output", &Builder::output).def("tables", &Builder::tables);
  nb::class_<NativeRows>(m, "Rows")
      .def(nb::init<const Builder&, int, const std::string&>())
      .def("load", &NativeRows::load)
      .def("run", &NativeRows::run);
}
