//! The way to a provider: proxies and trust.

use std::fs;
use std::sync::Arc;

use ureq::Proxy;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::{Address, Endpoint, ProviderError};
use crate::reach::Reach;

/// The proxy: the provider's own, else the environment's. What is on this machine is reached
/// directly. A proxy that cannot be used is an error, never a reason to go without it.
pub(super) fn proxy(endpoint: &Endpoint) -> Result<Option<Proxy>, ProviderError> {
    let bad = |why: &str| ProviderError::Address(why.to_owned());
    if let Some(text) = &endpoint.route.proxy {
        return Proxy::new(text).map(Some).map_err(|_| bad("the proxy is not a usable url"));
    }
    let Address::Url(url) = &endpoint.address else { return Ok(None) };
    if Reach::of_url(url) == Reach::Local {
        return Ok(None);
    }
    let proxy = Proxy::try_from_env();
    if proxy.is_none() && cli::env::proxy().0.is_some() {
        return Err(bad("the proxy of the environment is not a usable url"));
    }
    Ok(proxy)
}

/// Whom to trust.
pub(super) fn trust(endpoint: &Endpoint) -> Result<TlsConfig, ProviderError> {
    let Some(file) = &endpoint.route.ca else { return Ok(TlsConfig::builder().build()) };
    let bad = |why: &dyn std::fmt::Display| {
        ProviderError::Address(format!("the certificates in {}: {why}", file.display()))
    };
    let text = fs::read(file).map_err(|e| bad(&e))?;
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|e| bad(&e))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(bad(&"there are none"));
    }
    let roots = RootCerts::Specific(Arc::new(certificates));
    Ok(TlsConfig::builder().root_certs(roots).build())
}
