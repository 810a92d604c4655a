// The sealed single file that the published `ssh-log-cli decrypt` reads: one session for one recipient's public key. Used by cli
// (`recordings export --format ssh-log`). The form is described in docs/RECORDING_FORMAT.md, "ssh-log". One thread.
#pragma once

#include "recording/export.h"
#include "recording/seal.h"

namespace sekisho::recording {

/// Reads the recording three times: what the file says about itself stands at its beginning. Fails where nothing can be written, or
/// sealed to `to`.
Result<void> export_ssh_log(Reader& reader, const AuditorKey& to, const ExportOptions& options, const Sink& out, crypto::Random& random);

}  // namespace sekisho::recording
