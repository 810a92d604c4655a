#include "s3/place.h"

#include <algorithm>

#include "base/network.h"

namespace sekisho::s3 {
namespace {

bool only(std::string_view text, std::string_view more) {
    return std::ranges::all_of(text,
        [&](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos; });
}

/// host or host:port, lower case; brackets for IPv6.
bool is_authority(std::string_view text) {
    const auto with_port = base::parse_host_port(text);
    const bool bracketed = text.starts_with('[');
    if (with_port) return with_port->port != 0 && (bracketed || only(with_port->host, "-."));
    if (bracketed) return text.ends_with(']') && base::Address::parse(text.substr(1, text.size() - 2)).has_value();
    return !text.empty() && only(text, "-.");
}

bool is_loopback(std::string_view authority) {
    const auto with_port = base::parse_host_port(authority);
    const std::string_view host = with_port ? std::string_view(with_port->host) : authority;
    return host == "localhost" || host == "::1" || host == "[::1]" ||
           (host.starts_with("127.") && base::Address::parse(host));
}

}  // namespace

Result<Place> find_place(std::string_view url, std::string_view region, std::string_view endpoint) {
    constexpr std::string_view kScheme = "s3://";
    if (!url.starts_with(kScheme)) return fail("s3://BUCKET/PREFIX/ is wanted");
    url.remove_prefix(kScheme.size());
    const std::size_t slash = std::min(url.find('/'), url.size());
    const std::string bucket(url.substr(0, slash));
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    const bool named = bucket.size() >= 3 && bucket.size() <= 63 && only(bucket, "-.") && only(bucket.substr(0, 1), "") &&
                       only(bucket.substr(bucket.size() - 1), "") && bucket.find("..") == std::string::npos;
    if (!named) return fail("a bucket's name is 3 to 63 of a-z 0-9 - .");
    if (region.empty() || region.size() > 64 || !only(region, "-"))
        return fail("a region is wanted, for example \"ap-northeast-1\"");

    Place place;
    place.region = region;
    place.prefix = url.substr(std::min(slash + 1, url.size()));
    if (place.prefix.size() > 1024) return fail("a prefix has at most 1024 bytes");
    if (!endpoint.empty()) {
        const bool plain = endpoint.starts_with("http://");
        if (!plain && !endpoint.starts_with("https://")) return fail("an endpoint is https://HOST[:PORT]");
        place.scheme = plain ? "http" : "https";
        place.host = endpoint.substr(plain ? 7 : 8);
        if (place.host.ends_with('/')) place.host.pop_back();
        if (!is_authority(place.host)) return fail("an endpoint is https://HOST[:PORT]");
        if (plain && !is_loopback(place.host)) return fail("http is for an endpoint on this machine only: use https");
        place.root = "/" + bucket;
        return place;
    }
    const std::string tail = region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
    const bool dotted = bucket.find('.') != std::string::npos;
    place.host = (dotted ? std::string() : bucket + ".") + "s3." + place.region + tail;
    place.root = dotted ? "/" + bucket : "";
    return place;
}

}  // namespace sekisho::s3
