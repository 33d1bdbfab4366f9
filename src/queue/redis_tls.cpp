#include "queue/redis_tls.hpp"

#ifdef CHOUETTE_REDIS_TLS

#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

namespace chouette {

namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeTls {
  void operator()(SSL* tls) const { SSL_free(tls); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

tl::expected<TlsContext, std::string> make_context(const std::string& ca) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return tl::unexpected<std::string>("OpenSSL cannot be used");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      return tl::unexpected<std::string>("the system's CAs cannot be read");
    }
  } else if (SSL_CTX_load_verify_locations(context.get(), ca.c_str(), nullptr) != 1) {
    if (::access(ca.c_str(), R_OK) != 0) {
      return tl::unexpected("REDIS_TLS_CA " + ca +
                            " cannot be read: " + std::generic_category().message(errno));
    }
    return tl::unexpected("REDIS_TLS_CA " + ca + " has no certificate in PEM form");
  }
  return context;
}

/// `host` as it stands in a certificate.
std::string name_of(const std::string& host) {
  auto name = host.substr(0, host.find('%'));  // the zone of an IPv6 address
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// hiredis compares no names.
bool expect_name(SSL* tls, const std::string& name) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), name.c_str()) == 1) return true;
  SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(tls, name.c_str()) == 1 && SSL_set_tlsext_host_name(tls, name.c_str()) == 1;
}

std::string certificate_fault(long result, const std::string& name) {
  switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for " + name;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet by this device's clock";
    default:
      return std::string("its certificate is not trusted: ") +
             X509_verify_cert_error_string(result);
  }
}

std::string handshake_fault(SSL* tls, const redisContext& context, const std::string& name) {
  const auto verified = SSL_get_verify_result(tls);
  auto fault = take_redis_tls_fault();
  if (verified != X509_V_OK) return certificate_fault(verified, name);
  if (fault) return *fault;
  if (BIO_should_retry(SSL_get_rbio(tls))) return "no answer to the TLS handshake in time";
  return context.errstr;
}

}  // namespace

bool redis_has_tls() {
  return true;
}

tl::expected<void, std::string> start_redis_tls(redisContext& context, const std::string& host,
                                                const std::string& ca) {
  ERR_clear_error();
  const auto tls_context = make_context(ca);
  if (!tls_context) {
    ERR_clear_error();
    return tl::unexpected(tls_context.error());
  }
  std::unique_ptr<SSL, FreeTls> tls(SSL_new(tls_context->get()));
  const auto name = name_of(host);
  if (!tls || !expect_name(tls.get(), name)) {
    ERR_clear_error();
    return tl::unexpected("no certificate can be for " + name);
  }
  if (redisInitiateSSL(&context, tls.get()) != REDIS_OK) {
    return tl::unexpected(handshake_fault(tls.get(), context, name));
  }
  // It is hiredis's now.
  (void)tls.release();
  return {};
}

std::optional<std::string> take_redis_tls_fault() {
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  if (error == 0) return std::nullopt;
  if (ERR_GET_LIB(error) == ERR_LIB_SYS) {
    return std::generic_category().message(static_cast<int>(ERR_GET_REASON(error)));
  }
  switch (ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0) {
    case SSL_R_WRONG_VERSION_NUMBER:
      return "its answer is not TLS";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "it asks for a client's certificate";
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return "Server closed the connection";
#endif
    default:
      break;
  }
  const auto* const reason = ERR_reason_error_string(error);
  return std::string("TLS: ") + (reason == nullptr ? "unknown error" : reason);
}

}  // namespace chouette

#else

namespace chouette {

bool redis_has_tls() {
  return false;
}

tl::expected<void, std::string> start_redis_tls(redisContext& /*context*/,
                                                const std::string& /*host*/,
                                                const std::string& /*ca*/) {
  return tl::unexpected<std::string>("this build has no TLS for Redis");
}

std::optional<std::string> take_redis_tls_fault() {
  return std::nullopt;
}

}  // namespace chouette

#endif
