// The entry point of qbench-prepare, which qbench starts for each thing it needs.
#include <cstdio>

#include "measurement/prepare/preparation.h"
#include "measurement/wire/serve.h"

namespace {

constexpr std::string_view usage =
    "usage: qbench-prepare --run REQUEST.json [--events-fd N]\n"
    "Builds a model's bundle in one scheme, or the data its quality is measured on, and tells "
    "where\n"
    "they lie, one JSON object a line. qbench keeps the requests in its log folder.\n";

}  // namespace

int main(int argument_count, char** arguments) {
  using namespace qb;
  return wire::serve(
      {arguments, static_cast<size_t>(argument_count)}, usage,
      {.describe = [] { return Json::object({{"program", "qbench-prepare"}}); },
       .run = [](const wire::Request& request, const wire::Send& send) -> Result<void> {
         if (!request.preparation)
           return fail(Errc::bad_input, "the request says nothing to prepare");
         return prepare::run_preparation(request, send);
       }});
}
