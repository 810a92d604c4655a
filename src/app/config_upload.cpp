#include "app/config_upload.h"

#include <algorithm>

#include "s3/objects.h"
#include "s3/place.h"

namespace sekisho::app {
namespace {

using model::Config;
using namespace std::chrono_literals;

std::string wrong_url(const Config& config) {
    const auto& upload = config.recording.upload;
    if (upload.url.empty()) return {};
    const auto place = s3::find_place(upload.url, upload.region, upload.endpoint);
    if (!place) return place.error().text;
    const bool odd = place->prefix.size() > 512 || place->prefix.starts_with('/') ||
                     std::ranges::any_of(place->prefix, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    return odd ? "a prefix has at most 512 bytes, no control characters, and no / in front" : "";
}

std::string wrong_upload_place(const Config& config) {
    const auto place = s3::find_place("s3://bucket/", config.recording.upload.region, config.recording.upload.endpoint);
    return place ? std::string() : place.error().text;
}

std::string wrong_encryption(const Config& config) {
    return s3::parse_encryption(config.recording.upload.encryption) ? "" : "AES256, aws:kms or none is wanted";
}

std::string wrong_kms_key(const Config& config) {
    const auto& upload = config.recording.upload;
    if (upload.kms_key.empty()) return {};
    if (upload.encryption != "aws:kms") return "it is for encryption = \"aws:kms\"";
    const bool fine = upload.kms_key.size() <= 2048 && std::ranges::all_of(upload.kms_key, [](char c) { return c > ' ' && c < 0x7f; });
    return fine ? "" : "the id, the alias or the ARN of a key is wanted";
}

std::string wrong_when_full(const Config& config) {
    const std::string& answer = config.recording.upload.when_full;
    return answer == "delete-shipped" || answer == "refuse" ? "" : "delete-shipped or refuse is wanted";
}

std::string wrong_keep_remote(const Config& config) {
    const auto& upload = config.recording.upload;
    if (upload.keep_remote.count() == 0) return {};
    if (upload.keep_remote > 36500 * 86400s) return "0 to 36500d is wanted";
    return upload.keep_remote < upload.keep_local ? "it is shorter than recording.upload.keep_local" : "";
}

}  // namespace

void add_upload_keys(std::vector<ConfigKey>& keys) {
    const auto add = [&](std::string_view key, Place place, Reload reload, std::string_view help,
                         std::string (*wrong)(const Config&) = [](const Config&) { return std::string(); }) {
        keys.push_back({key, place, reload, help, wrong});
    };
    add("recording.upload.url", Text([](Config& c) -> std::string& { return c.recording.upload.url; }), Reload::Restart,
        "Where recordings are kept besides this machine: s3://BUCKET/PREFIX/. Empty: nowhere.", wrong_url);
    add("recording.upload.region", Text([](Config& c) -> std::string& { return c.recording.upload.region; }),
        Reload::Restart, "Region of the bucket.", wrong_upload_place);
    add("recording.upload.endpoint", Text([](Config& c) -> std::string& { return c.recording.upload.endpoint; }),
        Reload::Restart, "A server that speaks like S3, instead of AWS: https://HOST[:PORT]. http is for this machine only.",
        wrong_upload_place);
    add("recording.upload.access_key_file", Text([](Config& c) -> std::string& { return c.recording.upload.access_key_file; }),
        Reload::Restart, "As users_from.access_key_file. It must be able to list, read and write, and to delete for keep_remote.");
    add("recording.upload.ca_file", Text([](Config& c) -> std::string& { return c.recording.upload.ca_file; }), Reload::Restart,
        "PEM file, relative to data_dir, of the authorities that vouch for the endpoint. Empty: the system's.");
    add("recording.upload.encryption", Text([](Config& c) -> std::string& { return c.recording.upload.encryption; }), Reload::Restart,
        "What the server encrypts objects with: AES256, aws:kms, or none (it is not asked to).", wrong_encryption);
    add("recording.upload.kms_key", Text([](Config& c) -> std::string& { return c.recording.upload.kms_key; }), Reload::Restart,
        "The key of KMS for aws:kms. Empty: the account's own one for S3.", wrong_kms_key);
    add("recording.upload.every", Time([](Config& c) -> std::chrono::seconds& { return c.recording.upload.every; }), Reload::Live,
        "How often recordings leave, those that run too, as far as they are. SIGHUP does it at once.",
        [](const Config& c) {
            return std::string(c.recording.upload.every < 1s || c.recording.upload.every > 86400s ? "1s to 1d is wanted" : "");
        });
    add("recording.upload.keep_local", Time([](Config& c) -> std::chrono::seconds& { return c.recording.upload.keep_local; }),
        Reload::Live, "A recording is removed here when it was read back from the bucket, unchanged, so long ago.", [](const Config& c) {
            return std::string(c.recording.upload.keep_local > 36500 * 86400s ? "0 to 36500d is wanted" : "");
        });
    add("recording.upload.local_limit", ByteCount{[](Config& c) -> std::uint64_t& { return c.recording.upload.local_limit; }},
        Reload::Live, "What recordings may take here, in bytes. 0: as much as the disk has.");
    add("recording.upload.when_full", Text([](Config& c) -> std::string& { return c.recording.upload.when_full; }), Reload::Live,
        "Over local_limit: delete-shipped removes the oldest that were read back from the bucket, before keep_local is over; refuse does "
        "not. While it is still over the limit, new recordings cannot be written, and recording.on_failure says what that means.",
        wrong_when_full);
    add("recording.upload.keep_remote", Time([](Config& c) -> std::chrono::seconds& { return c.recording.upload.keep_remote; }),
        Reload::Live,
        "So long a recording is kept in the bucket; then it is removed there, too. 0: for ever, or as the bucket's own rules say.",
        wrong_keep_remote);
}

}  // namespace sekisho::app
