#include "ssh/config.h"

namespace sekisho::ssh {

const Algorithms& default_algorithms() {
    static const Algorithms policy{
        .kex = {"mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com", "curve25519-sha256",
            "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
            "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256",
            "diffie-hellman-group-exchange-sha256"},
        .host_keys = {"ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
            "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com",
            "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256", "sk-ssh-ed25519@openssh.com",
            "sk-ecdsa-sha2-nistp256@openssh.com"},
        .ciphers = {"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr",
            "aes192-ctr", "aes256-ctr"},
        .macs = {"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"},
        .compression = {"none", "zlib@openssh.com"},
        .user_signatures = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
            "rsa-sha2-512", "rsa-sha2-256", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
            "ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
            "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com",
            "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"},
    };
    return policy;
}

const Algorithms& strict_algorithms() {
    static const Algorithms policy = [] {
        Algorithms strict = default_algorithms();
        std::erase_if(strict.kex, [](const std::string& name) { return !name.starts_with("mlkem") && !name.starts_with("sntrup"); });
        std::erase_if(strict.host_keys, [](const std::string& name) { return name.find("nistp") != std::string::npos; });
        std::erase_if(strict.macs, [](const std::string& name) { return name.find("-etm@") == std::string::npos; });
        return strict;
    }();
    return policy;
}

const Algorithms& legacy_additions() {
    static const Algorithms additions{
        .kex = {"diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"},
        .host_keys = {"ssh-rsa"},
        .ciphers = {"aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"},
        .macs = {"hmac-sha1"},
        .compression = {},
        .user_signatures = {},
    };
    return additions;
}

}  // namespace sekisho::ssh
