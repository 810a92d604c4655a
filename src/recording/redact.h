// What a request's payload may say in a recording, by level: secrets never, command lines from Commands on, environment values
// only at Full and Commands. Called by Track before the event is kept. Pure; any thread.
#pragma once

#include "base/bytes.h"
#include "model/access.h"

namespace sekisho::recording {

/// The payload to keep. `storage` backs the result where it is not a part of `payload`.
BytesView kept_payload(model::RecordLevel level, std::string_view type, BytesView payload, Bytes& storage);

}  // namespace sekisho::recording
