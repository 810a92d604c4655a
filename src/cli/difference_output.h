// What a change of the access did, as the API answers it, for people: one line for each object, one below it for each field.
#pragma once

#include "base/result.h"
#include "cli/json_view.h"

namespace sekisho::cli {

void print_difference(const JsonView& answer);
/// Says what a change came to; the exit status.
int changed(const Result<JsonView>& answer, bool json);

}  // namespace sekisho::cli
