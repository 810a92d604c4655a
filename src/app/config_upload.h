// The part of the table of configuration keys that is about shipping recordings: [recording.upload]. Private to app.
#pragma once

#include "app/config_table.h"

namespace sekisho::app {

void add_upload_keys(std::vector<ConfigKey>& keys);

}  // namespace sekisho::app
