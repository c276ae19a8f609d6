package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.Http.Answer;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.spec.Secret;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.ApiForm.Tls;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
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

    private ServiceScene(ServiceAddress address, AccessSetting access, FakeMigration migration)
            throws Exception {
        this(address, access, Optional.empty(), migration);
    }

    private ServiceScene(
            ServiceAddress address,
            AccessSetting access,
            Optional<Tls> tls,
            FakeMigration migration)
            throws Exception {
        this.migration = migration;
        service = MillraceService.start(address, access, tls, () -> migration);
        http = new Http(service.port());
    }

    public static ServiceScene over(FakeMigration migration) throws Exception {
        return new ServiceScene(LOOPBACK, AccessSetting.NONE, migration);
    }

    /// Starts a service on all addresses, with a token.
    public static ServiceScene guarded() throws Exception {
        return new ServiceScene(
                new ServiceAddress("0.0.0.0", 0, TOKEN), AccessSetting.NONE, new FakeMigration());
    }

    /// Starts a service on all addresses, with a token, that speaks TLS.
    public static ServiceScene encrypted(Tls tls) throws Exception {
        return new ServiceScene(
                new ServiceAddress("0.0.0.0", 0, TOKEN),
                AccessSetting.NONE,
                Optional.of(tls),
                new FakeMigration());
    }

    public int port() {
        return service.port();
    }

    /// Starts a service on all addresses that tells its callers apart. The token of the environment
    /// is set, and does not count.
    public static ServiceScene named(AccessSetting access) throws Exception {
        return new ServiceScene(
                new ServiceAddress("0.0.0.0", 0, TOKEN), access, new FakeMigration());
    }

    /// The changing routes of the API and of the console, as `POST /api/v1/pause`.
    public SortedSet<String> changes() {
        return service
                .bean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .keySet()
                .stream()
                .flatMap(
                        route ->
                                route.getMethodsCondition().getMethods().stream()
                                        .filter(method -> method != RequestMethod.GET)
                                        .flatMap(
                                                method ->
                                                        route.getPatternValues().stream()
                                                                .map(path -> method + " " + path)))
                .collect(Collectors.toCollection(TreeSet::new));
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
