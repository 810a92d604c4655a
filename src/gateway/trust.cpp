#include "gateway/trust.h"

#include "base/log.h"

namespace sekisho::gateway {

namespace {

void read_files(const model::Config& config, const Services& services, const std::vector<std::string>& names,
    identity::Revocation& into) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(config.path(name));
    if (const auto read = identity::read_revocation(paths, services.read_file, into); !read) {
        log::error("revocation.not_read", {{"reason", read.error().full()}});
    }
}

}  // namespace

void read_trust(const model::Config& config, Services& services, const std::function<bool()>& still_wanted) {
    auto trust = std::make_shared<identity::CertificateTrust>();
    // The configuration was checked when it was read.
    if (auto authorities = identity::parse_authorities(config.ssh.user_ca)) trust->authorities = std::move(*authorities);
    read_files(config, services, config.ssh.revoked_keys, *trust);
    auto hosts = std::make_shared<identity::Revocation>();
    read_files(config, services, config.target.revoked_host_keys, *hosts);
    if (!still_wanted()) return;
    services.user_trust.store(std::move(trust));
    services.revoked_host_keys.store(std::move(hosts));
}

}  // namespace sekisho::gateway
