#include "recording/file_event.h"

#include <nlohmann/json.hpp>

#include "recording/export.h"

namespace sekisho::recording {

namespace {

using nlohmann::json;

std::string dumped(const json& text) { return text.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Names of files are bytes. What is no UTF-8 would be told with signs of replacement: the bytes stand beside it.
void add_path(json& to, const std::string& member, const std::string& path) {
    if (path.empty()) return;
    Utf8Joiner joiner;
    std::string text = joiner.add(base::view(path));
    text += joiner.finish();
    if (text != path) to[member + "_hex"] = base::hex(base::view(path));
    to[member] = std::move(text);
}

std::string encoded(const sftp::Operation& operation, std::string_view via, std::size_t most_of_path) {
    json text{{"operation", operation.operation}, {"result", operation.result}, {"via", via}};
    add_path(text, "path", operation.path.substr(0, most_of_path));
    add_path(text, "other_path", operation.other_path.substr(0, most_of_path));
    if (operation.bytes_read > 0 || operation.operation == "read") text["bytes_read"] = operation.bytes_read;
    if (operation.bytes_written > 0 || operation.operation == "write") text["bytes_written"] = operation.bytes_written;
    if (!operation.sha256.empty()) text["sha256"] = operation.sha256;
    if (!operation.detail.empty()) text["detail"] = operation.detail;
    return dumped(text);
}

}  // namespace

std::string encode_file_event(const sftp::Operation& operation, std::string_view via) {
    std::string text = encoded(operation, via, std::string::npos);
    constexpr std::size_t kFits = 1024;  // of each path, however it must be written
    if (text.size() > kFileEventMost) text = encoded(operation, via, kFits);
    return text;
}

}  // namespace sekisho::recording
