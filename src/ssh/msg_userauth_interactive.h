// The messages of keyboard-interactive (RFC 4256): the attempt, the server's prompts, the client's answers.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "ssh/types.h"

namespace sekisho::ssh {

Bytes encode_interactive_request(std::string_view user, std::string_view submethods);
/// The submethods, from the method-specific part of the request.
Result<std::string> decode_interactive_part(BytesView method_data);

struct InfoRequest {
    std::string name, instruction;
    std::vector<Prompt> prompts;
};
Bytes encode(const InfoRequest& message);
Result<InfoRequest> decode_info_request(BytesView payload);

/// The caller wipes the result.
Bytes encode_info_response(const std::vector<Secret>& answers);
/// The caller wipes the payload.
Result<std::vector<Secret>> decode_info_response(BytesView payload);

}  // namespace sekisho::ssh
