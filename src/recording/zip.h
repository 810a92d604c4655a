// An export that no event format of other tools covers: a ZIP file with a terminal's typescript or a command's two streams. Used
// by cli. One thread.
#pragma once

#include "recording/export.h"

namespace sekisho::recording {

/// With a terminal term_data.txt and term_times.txt, which scriptreplay(1) plays; without one data_from_client.txt and
/// data_from_server.txt, byte for byte.
Result<void> export_zip(Reader& reader, const ExportOptions& options, const Sink& out);

}  // namespace sekisho::recording
