// Config: what the machine does (surface.md, "Configuration"), as values with their defaults. Read from TOML by
// app/config_file, whose table names every key once; handed down to whoever needs a part of it. Immutable once loaded.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/access.h"

namespace sekisho::model {

/// What a network earns whose connections end without a sign-in; as PerSourcePenalties of sshd_config(5).
struct PenaltyConfig {
    std::chrono::seconds no_auth{1};  // left without an attempt
    std::chrono::seconds auth_fail{5};  // left after a refused one
    std::chrono::seconds grace_exceeded{10};
    std::chrono::seconds root{10};  // asked to be root
    std::chrono::seconds least{15};  // nobody is turned away for less
    std::chrono::seconds most{600};  // 0: no penalties
    std::uint64_t max_sources = 65536;  // tracked, of IPv4 and IPv6 each
    std::string overflow = "permissive";  // permissive | deny-all
    std::vector<std::string> exempt;  // CIDR
};

/// Connections that are not signed in yet; as MaxStartups and PerSourceMaxStartups.
struct StartupConfig {
    std::uint64_t drop_from = 2000;
    std::uint64_t drop_percent = 30;  // dropped at random from there on, rising to all
    std::uint64_t most = 4000;
    std::uint64_t most_per_source = 1000;  // 0: no bound of its own
};

struct SshConfig {
    std::vector<std::string> listen{"0.0.0.0:2222", "[::]:2222"};  // host:port, [v6]:port
    std::vector<std::string> host_keys{"keys/host_ed25519"};  // relative to data_dir; PATH-cert.pub beside it is presented
    std::vector<std::string> user_ca;  // public key lines of authorities whose user certificates sign in whom they name
    std::vector<std::string> revoked_keys;  // KRLs or lists of public keys, relative to data_dir: users' keys and certificates
    std::chrono::seconds login_grace{60};  // a connection that is not signed in by then ends
    std::uint64_t auth_attempts = 6;  // refused signatures or other attempts, then the connection ends
    std::chrono::seconds keepalive{15};  // silence before a keepalive is sent, on both hops; 0: never
    std::uint64_t keepalive_count = 3;  // unanswered keepalives, then the hop is dead
    std::uint64_t rekey_bytes = 1ULL << 30;  // either direction
    std::chrono::seconds rekey_time{3600};
    std::string algorithms = "compatible";  // compatible | strict: what both hops offer
    std::string aes_gcm = "auto";  // auto | openssl | ipsec-mb: the library that encrypts with AES-GCM
    std::uint64_t max_connections = 20000;  // front connections at once
    std::uint64_t max_channels = 128;  // of one connection
    StartupConfig startups;
    PenaltyConfig penalties;
    std::uint64_t source_bits_v4 = 32;  // the network that a client's address stands for
    std::uint64_t source_bits_v6 = 64;
    std::vector<std::string> proxy_protocol;  // CIDR: whoever connects from there says for whom, by HAProxy's PROXY protocol
};

struct TargetConfig {
    std::chrono::seconds connect_timeout{10};  // resolve and connect
    std::chrono::seconds login_timeout{30};  // key exchange and authentication of the target hop
    std::vector<std::string> revoked_host_keys;  // KRLs or lists of public keys, relative to data_dir
    std::chrono::seconds certificate_life{60};  // valid until now + this; 60 s at most
};

/// Who may use the admin socket besides root and the gateway's own account: account names, numbers of accounts, @GROUP, @NUMBER.
struct AdminConfig {
    std::vector<std::string> admins;
    std::vector<std::string> auditors;
    std::vector<std::string> operators;
    std::string watch = "auditors";  // who may watch live sessions: auditors (and admins), unsealed (they, but no sealed ones), nobody
};

/// Where recordings are kept besides this machine.
struct UploadConfig {
    std::string url;  // s3://BUCKET/PREFIX/; empty: nowhere
    std::string region = "us-east-1";
    std::string endpoint;  // of a server that is not AWS: https://HOST[:PORT]
    std::string access_key_file;  // relative to data_dir; empty: environment or instance role
    std::string ca_file;  // relative to data_dir; empty: the system's authorities
    std::string encryption = "AES256";  // AES256 | aws:kms | none
    std::string kms_key;
    std::chrono::seconds every{300};
    std::chrono::seconds keep_local{86400};
    std::uint64_t local_limit = 0;  // bytes; 0: none
    std::string when_full = "delete-shipped";  // delete-shipped | refuse
    std::chrono::seconds keep_remote{0};  // 0: for ever
};

struct RecordingConfig {
    std::string dir = "recordings";  // relative to data_dir
    std::vector<std::string> seal_to;  // none: readable with file permissions only
    OnFailure on_failure = OnFailure::Refuse;  // a rule may override
    UploadConfig upload;
};

struct UsersFromConfig {
    std::string url;  // s3://BUCKET/PREFIX/ or dir:/PATH; empty: users are made here only
    std::chrono::seconds every{300};
    std::string region = "us-east-1";
    std::string endpoint;  // of a server that is not AWS: https://HOST[:PORT]
    std::string access_key_file;  // relative to data_dir; empty: environment or instance role
    std::string ca_file;  // relative to data_dir; empty: the system's authorities
    std::vector<std::string> groups;
    std::string change_log = "logs/users_changelog.txt";  // relative to data_dir
    std::string on_empty = "keep";  // keep | remove
};

struct LogConfig {
    std::string level = "info";  // debug | info | warn | error
    std::string monthly_dir;  // empty: no monthly log
};

/// Who is told of sessions by mail, and through which relay.
struct MailConfig {
    std::string smtp;  // smtp://HOST[:PORT] or smtps://HOST[:PORT]; empty: no mail
    std::string tls = "required";  // required | none
    std::string user;  // empty: the relay wants no sign-in
    std::string password_file;  // relative to data_dir
    std::string ca_file;  // relative to data_dir; empty: the system's authorities
    std::string from;  // empty: `user` where that is an address, else sekisho@ this machine
    std::vector<std::string> to;
    std::vector<std::string> events{"start", "finish"};  // start | finish | refused
    std::string language = "en";  // en | ja
    std::string templates;  // folder of texts instead of the built-in ones, relative to data_dir; empty: none
    std::chrono::seconds give_up{86400};
};

/// Where audit records are told as they come. An empty list of kinds is all; * and ? in a kind are wildcards.
struct SyslogConfig {
    std::vector<std::string> to;  // udp://HOST:PORT, tcp://…, tls://…
    std::vector<std::string> kinds;
    std::string facility = "authpriv";
    std::string sd_id = "sekisho@32473";
    std::string ca_file;  // relative to data_dir; empty: the system's authorities
    std::string certificate_file, key_file;  // shown to a receiver that asks for one; relative to data_dir
};
struct JsonLinesConfig {
    std::vector<std::string> to;  // file:/PATH, unix:/PATH, unix-dgram:/PATH
    std::vector<std::string> kinds;
};
struct WebhookConfig {
    std::vector<std::string> to;  // https://…; http:// for this machine only
    std::vector<std::string> kinds;
    std::string secret_file;  // relative to data_dir
    std::string ca_file;  // relative to data_dir; empty: the system's authorities
};

struct Config {
    std::string data_dir = "/var/lib/sekisho";
    SshConfig ssh;
    TargetConfig target;
    std::string admin_socket = "/run/sekisho/admin.sock";  // relative to data_dir
    AdminConfig admin;
    std::string ca_listen;  // host:port where GET /ca.pub is answered by plain HTTP; empty: nowhere
    std::string store_url = "sqlite:sekisho.db";  // file relative to data_dir
    RecordingConfig recording;
    UsersFromConfig users_from;
    LogConfig log;
    MailConfig mail;
    SyslogConfig syslog;
    JsonLinesConfig json;
    WebhookConfig webhook;
    std::uint64_t loops = 0;  // event loops; 0: one for each core

    /// `name` itself when absolute, else below data_dir.
    std::string path(std::string_view name) const {
        if (name.starts_with('/')) return std::string(name);
        return data_dir + (data_dir.ends_with('/') ? "" : "/") + std::string(name);
    }
    // Key files that `init` makes beside the host key.
    std::string user_ca_key_path() const { return path("keys/ca_ed25519"); }
    std::string host_ca_key_path() const { return path("keys/host_ca_ed25519"); }
    std::string wrapping_key_path() const { return path("keys/wrapping_key"); }
    std::string evidence_key_path() const { return path("keys/evidence_ed25519"); }
};

}  // namespace sekisho::model
