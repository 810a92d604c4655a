#include "s3/open.h"

#include <cstdlib>

namespace sekisho::s3 {
namespace {

constexpr std::size_t kMostSecretFile = 65536;
constexpr std::size_t kMostAuthorities = 4U << 20;

}  // namespace

Result<std::unique_ptr<Client>> open_client(const BucketSettings& settings, ReadFile read_file, TransferSettings transfers) {
    auto place = find_place(settings.url, settings.region, settings.endpoint);
    if (!place) return std::unexpected(place.error());
    transfers.plain = place->scheme == "http";
    transfers.direct = transfers.plain;  // it is on this machine
    if (!settings.ca_file.empty()) {
        auto authorities = read_file(settings.ca_file, kMostAuthorities);
        if (!authorities) return std::unexpected(authorities.error());
        transfers.authorities = std::move(*authorities);
    }
    CredentialSource::Read read_key;
    if (!settings.access_key_file.empty()) {
        read_key = [read_file = std::move(read_file), path = settings.access_key_file] { return read_file(path, kMostSecretFile); };
    }
    return std::make_unique<Client>(
        std::move(*place), std::move(transfers), CredentialSource(std::move(read_key), ::getenv));
}

}  // namespace sekisho::s3
