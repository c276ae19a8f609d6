package dev.millrace.deploy;

import java.util.Set;

/// What of a running service manifests may name. `DeployedServiceIT` asks a running one.
final class Served {

    /// Answered without a token, because a kubelet has none.
    static final Set<String> PROBES =
            Set.of("/actuator/health/liveness", "/actuator/health/readiness");

    static final String METRICS = "/actuator/prometheus";

    static final String CONFIG = "/etc/millrace/millrace.yaml";

    /// Read by the program itself, not by way of its file.
    static final String TOKEN = "MILLRACE_TOKEN";

    private Served() {}
}
