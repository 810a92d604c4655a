// What a change of the access did, as the API answers it, for people: one line for each object, one below it for each field.
#pragma once

#include "cli/json_view.h"

namespace sekisho::cli {

void print_difference(const JsonView& answer);

}  // namespace sekisho::cli
