package dev.millrace.kafka;

import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.testing.Certificates.Issued;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/// A broker whose clients need TLS, a password (SCRAM-SHA-512) and an ACL for all that they do.
/// Another port is for its administrator.
public final class SecuredBroker implements AutoCloseable {

    private static final String MECHANISM = "SCRAM-SHA-512";

    private final EmbeddedBroker broker;
    private final Admin admin;
    private final int port;

    private SecuredBroker(EmbeddedBroker broker, Admin admin, int port) {
        this.broker = broker;
        this.admin = admin;
        this.port = port;
    }

    public static SecuredBroker start(Path folder, Issued certificate) {
        int clients = LoopbackPort.free();
        int own = LoopbackPort.free();
        int controller = LoopbackPort.free();
        EmbeddedBroker broker =
                EmbeddedBroker.start(
                        folder,
                        own,
                        new BrokerAccess(
                                Map.ofEntries(
                                        Map.entry(
                                                "controller.quorum.voters",
                                                "1@127.0.0.1:" + controller),
                                        Map.entry(
                                                "listeners",
                                                "CLIENTS://127.0.0.1:%d,OWN://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d"
                                                        .formatted(clients, own, controller)),
                                        Map.entry(
                                                "advertised.listeners",
                                                "CLIENTS://127.0.0.1:%d,OWN://127.0.0.1:%d"
                                                        .formatted(clients, own)),
                                        Map.entry(
                                                "listener.security.protocol.map",
                                                "CLIENTS:SASL_SSL,OWN:PLAINTEXT,CONTROLLER:PLAINTEXT"),
                                        Map.entry("inter.broker.listener.name", "OWN"),
                                        Map.entry("sasl.enabled.mechanisms", MECHANISM),
                                        Map.entry(
                                                "listener.name.clients.scram-sha-512.sasl.jaas.config",
                                                "org.apache.kafka.common.security.scram.ScramLoginModule"
                                                        + " required;"),
                                        Map.entry("ssl.keystore.type", "PEM"),
                                        Map.entry(
                                                "ssl.keystore.location",
                                                certificate.both().toString()),
                                        Map.entry(
                                                "authorizer.class.name",
                                                "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
                                        Map.entry("super.users", "User:ANONYMOUS")),
                                Map.of()));
        return new SecuredBroker(broker, Admin.create(broker.clientSettings()), clients);
    }

    /// The address for clients.
    public String bootstrapServers() {
        return "127.0.0.1:" + port;
    }

    public void user(String name, String password) {
        await(
                admin.alterUserScramCredentials(
                                List.of(
                                        new UserScramCredentialUpsertion(
                                                name,
                                                new ScramCredentialInfo(
                                                        ScramMechanism.SCRAM_SHA_512, 4096),
                                                password)))
                        .all());
    }

    /// Lets a user do these things with the topics, groups or transactional ids of a prefix, or
    /// with the cluster.
    public void allow(
            String user, ResourceType type, String prefix, Collection<AclOperation> operations) {
        await(admin.createAcls(acls(user, type, prefix, operations)).all());
    }

    /// Takes them away again.
    public void forbid(
            String user, ResourceType type, String prefix, Collection<AclOperation> operations) {
        await(
                admin.deleteAcls(
                                acls(user, type, prefix, operations).stream()
                                        .map(AclBinding::toFilter)
                                        .toList())
                        .all());
    }

    private static List<AclBinding> acls(
            String user, ResourceType type, String prefix, Collection<AclOperation> operations) {
        ResourcePattern resource =
                type == ResourceType.CLUSTER
                        ? new ResourcePattern(type, "kafka-cluster", PatternType.LITERAL)
                        : new ResourcePattern(type, prefix, PatternType.PREFIXED);
        List<AclBinding> acls = new ArrayList<>();
        for (AclOperation operation : operations) {
            acls.add(
                    new AclBinding(
                            resource,
                            new AccessControlEntry(
                                    "User:" + user, "*", operation, AclPermissionType.ALLOW)));
        }
        return acls;
    }

    /// All topics.
    public Collection<String> topics() {
        return await(admin.listTopics().names());
    }

    private static <T> T await(Future<T> answer) {
        try {
            return answer.get(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        admin.close();
        broker.close();
    }
}
