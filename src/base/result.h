// Result<T>: how every folder reports that a peer or the world misbehaved (docs/ARCHITECTURE.md, "Errors").
// `text` may be shown to the peer or the user and never holds a secret; `detail` is for our own log.
// "Need more bytes" is a value, our own bugs are SEKISHO_ASSERT; neither is an Error.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sekisho::base {

struct Error {
    std::string text;
    std::string detail;

    /// `text`, with `detail` behind it when there is one. For logs, not for peers.
    std::string full() const { return detail.empty() ? text : text + " (" + detail + ")"; }
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string text, std::string detail = {}) {
    return std::unexpected(Error{std::move(text), std::move(detail)});
}

}  // namespace sekisho::base

namespace sekisho {
using base::Error;
using base::fail;
using base::Result;
}  // namespace sekisho
