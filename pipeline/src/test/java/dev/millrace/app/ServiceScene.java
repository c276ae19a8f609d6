package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.Http.Answer;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.spec.Secret;
import tools.jackson.databind.JsonNode;

/// A service over a fake migration, and a client of the service.
public final class ServiceScene implements AutoCloseable {

    static final ServiceAddress LOOPBACK = new ServiceAddress("127.0.0.1", 0, Secret.NONE);
    public static final String JSON = "Content-Type: application/json";
    public static final String BEARER = "Authorization: Bearer a-token-of-some-length";

    private static final Secret TOKEN = Secret.of("a-token-of-some-length");

    public final FakeMigration migration;
    final MillraceService service;
    public final Http http;

    private ServiceScene(ServiceAddress address, FakeMigration migration) throws Exception {
        this.migration = migration;
        service = MillraceService.start(address, () -> migration);
        http = new Http(service.port());
    }

    public static ServiceScene over(FakeMigration migration) throws Exception {
        return new ServiceScene(LOOPBACK, migration);
    }

    /// Starts a service on all addresses, with a token.
    public static ServiceScene guarded() throws Exception {
        return new ServiceScene(new ServiceAddress("0.0.0.0", 0, TOKEN), new FakeMigration());
    }

    /// Asserts that the response is an RFC 9457 problem without internal details.
    public static void assertProblem(Answer answer, int status) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        JsonNode problem = answer.json();
        assertThat(problem.path("status").asInt()).isEqualTo(status);
        assertThat(problem.path("title").asString()).isNotBlank();
        assertThat(problem.path("detail").asString()).isNotBlank();
        assertThat(problem.path("instance").asString()).startsWith("/");
        assertThat(answer.body()).doesNotContain("\tat ", "org.springframework");
    }

    @Override
    public void close() {
        service.close();
    }
}
