// A run of the user's own model files: what is asked, and its plan.
#pragma once

#include <string>
#include <vector>

#include "orchestration/plan/plan.h"

namespace qb::plan {

// "a,b" → "a", "b"; but a file whose name has commas stays whole.
std::vector<std::string> split_models(const std::string& list);

// Whether what stands after --model is meant as a file: no model of the zoo has the name, and it
// exists, has a slash or an ending.
bool is_file_name(const std::string& text);

// Absolute paths of the files; errors name the file: not there, no regular file, an ending that no
// framework opens (with what to do), given twice. The files' content is not looked at.
Result<std::vector<std::string>> check_files(const std::vector<std::string>& files);

// What a table calls the files: their names, printable, with as many folders before as make them
// differ.
std::vector<std::string> labels_of(const std::vector<std::string>& absolute_paths);

// The cases of checked files: each with the framework that its ending tells, on the devices and
// thread counts of `narrowing`. Of two files and more the outputs are compared.
Result<Plan> build_file_plan(const std::vector<std::string>& absolute_paths,
                             std::vector<InputSpec> inputs, const Narrowing& narrowing,
                             const spec::Protocol& protocol, int64_t default_thread_count,
                             uint64_t seed);

}  // namespace qb::plan
