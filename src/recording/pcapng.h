// Forwards of a recording as pcapng (draft-ietf-opsawg-pcapng), for Wireshark: one TCP connection for each channel, with packets made up
// around the recorded bytes at their times. Addresses stand where they are known; others are from a range that nobody has
// (240.0.0.0/8), with their names beside them. Bytes that were not kept are a gap in the sequence numbers, as those of a lost packet
// would be. Sequence numbers, checksums and ends are right; windows, options and retransmissions there are none. One thread.
#pragma once

#include "recording/export.h"

namespace sekisho::recording {

/// The channels of forwards, or the chosen one, if it is one. Fails where there is none.
Result<void> export_pcapng(Reader& reader, const ExportOptions& options, const Sink& out);

}  // namespace sekisho::recording
