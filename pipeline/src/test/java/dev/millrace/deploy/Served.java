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

    private Served() {}
}
