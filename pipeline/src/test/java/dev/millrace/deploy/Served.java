package dev.millrace.deploy;

import java.util.Set;

/// Paths and names of the service that deployment files use. `DeployedServiceIT` checks them.
final class Served {

    /// Served without a token, because a kubelet has none.
    static final Set<String> PROBES =
            Set.of("/actuator/health/liveness", "/actuator/health/readiness");

    static final String METRICS = "/actuator/prometheus";

    static final String CONFIG = "/etc/millrace/millrace.yaml";

    /// Read by the program itself, not by its migration file.
    static final String TOKEN = "MILLRACE_TOKEN";

    /// The authorities that client commands in the container trust.
    static final String AUTHORITY = "MILLRACE_CA";

    /// The secret with the certificate of the API. Its type fixes its keys.
    static final String TLS_SECRET = "millrace-tls";

    static final String CERTIFICATE = "tls.crt";
    static final String KEY = "tls.key";

    private Served() {}

    /// Whether the program reads a variable itself.
    static boolean ofProgram(String variable) {
        return variable.equals(TOKEN) || variable.equals(AUTHORITY);
    }
}
