// The part of the table of configuration keys that is about telling: [mail], [syslog], [json], [webhook]. Private to app.
#pragma once

#include "app/config_table.h"

namespace sekisho::app {

void add_telling_keys(std::vector<ConfigKey>& keys);

}  // namespace sekisho::app
