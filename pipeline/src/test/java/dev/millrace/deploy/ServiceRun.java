package dev.millrace.deploy;

import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.testing.Waits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Results of one complete run of a deployed service: plan, start, load, reconcile, scrape and
/// stop. Numbers are exit codes and HTTP statuses.
///
/// @param planned the output of the plan; empty without a plan job
/// @param healthCheckBefore exit code of the health check before the start
/// @param withoutToken HTTP status of each path without a token
/// @param metrics the text of a scrape
/// @param output output of the service
record ServiceRun(
        int plan,
        String planned,
        int healthCheckBefore,
        int healthCheck,
        Map<String, Integer> withoutToken,
        int reconcile,
        String verdict,
        String metrics,
        int exit,
        String output) {

    private static final int SKIPPED = 0;

    Scrape scrape() {
        return Scrape.of(metrics);
    }

    static ServiceRun of(Deployment deployment, Checkout checkout) throws Exception {
        try (DeployedServers around = new DeployedServers(checkout, deployment.secrets())) {
            Map<String, String> environment =
                    new HashMap<>(around.replaced(deployment.environment()));
            environment.put("MILLRACE_LOG", checkout.logFormat());
            int plan = verb(around.folder(), environment, deployment.here(deployment.plan(), 0));
            String planned =
                    deployment.plan().isEmpty()
                            ? ""
                            : Files.readString(around.folder().resolve("verb.log"));
            int port = LoopbackPort.free();
            int before = healthCheck(deployment, port);
            try (RunningService service =
                    new RunningService(
                            around.folder(),
                            environment,
                            deployment.here(deployment.run(), port),
                            port,
                            deployment.authority())) {
                service.awaitAnswer("/actuator/health/liveness", 200, Waits.LIMIT);
                service.awaitAnswer("/actuator/health/readiness", 200, Waits.LIMIT);
                int healthy = healthCheck(deployment, port);
                Map<String, Integer> withoutToken =
                        Map.of(
                                "/actuator/health/liveness",
                                service.without("/actuator/health/liveness"),
                                "/actuator/health/readiness",
                                service.without("/actuator/health/readiness"),
                                Served.METRICS,
                                service.without(Served.METRICS),
                                "/api/v1/status",
                                service.without("/api/v1/status"));
                around.load();
                service.awaitBackfill(Waits.LIMIT);
                int reconcile =
                        verb(
                                around.folder(),
                                environment,
                                List.of("reconcile", "--url", service.url()));
                String verdict = Files.readString(around.folder().resolve("verb.log"));
                String metrics = service.with(Served.METRICS);
                int exit = service.terminate(deployment.grace());
                return new ServiceRun(
                        plan,
                        planned,
                        before,
                        healthy,
                        withoutToken,
                        reconcile,
                        verdict,
                        metrics,
                        exit,
                        service.output());
            }
        }
    }

    private static int verb(Path folder, Map<String, String> environment, List<String> arguments)
            throws InterruptedException {
        if (arguments.isEmpty()) {
            return SKIPPED;
        }
        return ended(
                MillraceProgram.start(folder, environment, arguments, folder.resolve("verb.log")));
    }

    private static int healthCheck(Deployment deployment, int port) throws Exception {
        if (deployment.healthCheck().isEmpty()) {
            return SKIPPED;
        }
        List<String> command =
                deployment.healthCheck().stream()
                        .map(part -> part.replace("/8080", "/" + port))
                        .toList();
        return ended(
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start());
    }

    private static int ended(Process process) throws InterruptedException {
        if (!process.waitFor(3, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new IllegalStateException("command did not end within three minutes");
        }
        return process.exitValue();
    }
}
