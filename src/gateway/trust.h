// Whom the gateway believes beside the registered keys: authorities of user certificates, and what is revoked. Read from the
// configuration and the files that it names, at the start and at each reload; the result is swapped whole. Reads files: not on a loop.
#pragma once

#include <functional>

#include "gateway/services.h"

namespace sekisho::gateway {

/// What cannot be read is an error in the log, and revokes everything until it can. Nothing is changed when `still_wanted` says so in
/// the end (a later reload has overtaken this one).
void read_trust(const model::Config& config, Services& services, const std::function<bool()>& still_wanted);

}  // namespace sekisho::gateway
