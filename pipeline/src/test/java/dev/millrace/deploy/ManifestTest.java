package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManifestTest {

    private static final Checkout REPOSITORY = Checkout.repository();

    @Test
    void manifestsHaveNoFindings() {
        assertThat(ManifestCheck.run(REPOSITORY, ManifestCheck.FOLDERS)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    deployment.yaml    | readinessProbe:               | readynessProbe:             | unknown fields [readynessProbe]
                    deployment.yaml    | replicas: 1                   | replicas: 2                 | use 1 replica
                    deployment.yaml    | type: Recreate                | type: RollingUpdate         | Recreate
                    deployment.yaml    | containerPort: 8080           | containerPort: 8081         | exposes another port
                    deployment.yaml    | containerPort: 8080           | containerPort: none         | Deployment/millrace
                    deployment.yaml    | name: http                    | name: web                   | a port that is not exposed
                    deployment.yaml    | /actuator/health/readiness    | /actuator/health            | the readiness probe uses
                    deployment.yaml    | key: token                    | key: tokens                 | unknown key tokens
                    deployment.yaml    | key: source-password          | key: password               | unknown key password
                    deployment.yaml    | path: source-password         | path: source                | there is no such file
                    deployment.yaml    | path: target-reconcile-password | path: target              | there is no such file
                    plan.yaml          | key: source-reconcile-password | key: reconcile             | unknown key reconcile
                    deployment.yaml    | mountPath: /etc/millrace      | mountPath: /etc/config      | nothing is mounted at /etc/millrace
                    deployment.yaml    | /etc/millrace/millrace.yaml   | /etc/millrace/migration.yaml | has no key migration.yaml
                    deployment.yaml    | claimName: millrace-data      | claimName: data             | unknown persistent volume claim data
                    deployment.yaml    | name: millrace-places         | name: places                | unknown ConfigMap places
                    deployment.yaml    | runAsNonRoot: true            | runAsNonRoot: false         | more privileges
                    deployment.yaml    | runAsUser: 10001              | runAsUser: 0                | more privileges
                    deployment.yaml    | drop: [ALL]                   | drop: [KILL]                | more privileges
                    deployment.yaml    | automountServiceAccountToken: false | automountServiceAccountToken: true | more privileges
                    deployment.yaml    | --bind, 0.0.0.0               | --bind, 127.0.0.1           | from outside the pod
                    deployment.yaml    | cpu: 500m                     | gpu: 500m                   | resource requests are missing
                    deployment.yaml    | image: millrace               | image: mill                 | does not have version
                    deployment.yaml    | scheme: HTTPS                 | scheme: HTTP                | does not use TLS
                    deployment.yaml    | value: /run/tls/tls.crt       | value: /run/tls/ca.crt      | /run/tls/ca.crt is not in the secret of the API
                    deployment.yaml    | mountPath: /run/tls           | mountPath: /run/ssl         | /run/tls/tls.key is not in the secret of the API
                    deployment.yaml    | key: tls.key                  | key: tls.pem                | unknown key tls.pem in a secret millrace-tls
                    deployment.yaml    | secretName: millrace-tls      | secretName: tls             | in a secret tls
                    service.yaml       | component: service            | component: server           | does not select exactly one pod template
                    service.yaml       | targetPort: http              | targetPort: 9090            | no pod exposes its port
                    service.yaml       | apiVersion: v1                | apiVersion: v2              | unknown kind
                    volume.yaml        | storage: 10Gi                 | storages: 10Gi              | no storage request
                    plan.yaml          | backoffLimit: 0               | backofLimit: 0              | unknown fields [backofLimit]
                    plan.yaml          | args: [plan                   | args: [plans                | unknown command plans
                    network.yaml       | name: millrace-to-kafka       | name: millrace-to-broker    | the policies are
                    network.yaml       | port: 9092                    | port: 9093                  | does not allow port 9092
                    network.yaml       | values: [service, plan]       | values: [plan]              | does not allow port
                    network.yaml       | port: http                    | port: https                 | no selected pod exposes the port https
                    network.yaml       | policyTypes: [Ingress, Egress] | policyTypes: [Ingress]     | allowed without a named policy
                    network.yaml       | name: monitoring              | names: monitoring           | monitoring cannot scrape
                    network.yaml       | component: service            | component: serve            | selects no pod
                    kustomization.yaml | - plan.yaml                   | - plans.yaml                | there is no plans.yaml
                    kustomization.yaml | '  - plan.yaml\n'             | ''                          | unreferenced file plan.yaml
                    kustomization.yaml | newTag: 0.1.0-SNAPSHOT        | newTag: latest              | does not have version
                    kustomization.yaml | SOURCE_URL                    | SOURCE                      | variable not set: SOURCE_URL
                    kustomization.yaml | kafka:9092                    | kafka:9094                  | does not allow port 9094
                    kustomization.yaml | resources:                    | resource:                   | resource
                    millrace.yaml      | 'api: # TLS only\n  certificate: ${TLS:/run/tls}/tls.crt\n  key: ${TLS:/run/tls}/tls.key\n' | '' | the API has no TLS
                    millrace.yaml      | data-dir                      | data_dir                    | data_dir
                    millrace.yaml      | /run/secrets}/source-password | /run/secrets}/password      | there is no such file
                    millrace.yaml      | secrets}/source-reconcile     | secrets}/reconcile          | there is no such file
                    millrace.yaml      | ${DATA_DIR:/var/lib/millrace} | /data                       | not on a persistent volume claim
                    """)
    void reportsAFaultInTheBase(String file, String text, String fault, String reported) {
        assertReported(ManifestCheck.BASE, "k8s/base/" + file, text, fault, reported);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ../pipeline/pom.xml                               | <user>10001:10001         | <user>10002:10002  | more privileges
                    ../pipeline/pom.xml                               | <port>8080</port>         | <port>8081</port>  | the image listens on 8081
                    secret.example.yaml                               | token:                    | tokens:            | unknown key token
                    secret.example.yaml                               | token:                    | 'more: x\n  token:' | unused key more
                    overlays/production/kustomization.yaml            | newTag: 0.1.0-SNAPSHOT    | newTag: 0.0.9      | does not have version
                    overlays/production/kustomization.yaml            | namespace: millrace       | '# no namespace'   | one restricted namespace
                    overlays/production/kustomization.yaml            | crm-db.internal.example:5432 | crm-db.internal.example:5433 | millrace-to-target does not allow
                    overlays/production/namespace.yaml                | enforce: restricted       | enforce: baseline  | one restricted namespace
                    overlays/production/resources.yaml                | name: millrace            | name: mill         | there is no Deployment mill
                    overlays/production/to-kafka.yaml                 | port: 9092                | port: 9093         | does not allow port 9092
                    overlays/dev/kustomization.yaml                   | behavior: replace         | behavior: merges   | behavior merges
                    overlays/dev/millrace.yaml                        | migration: shop           | migration: Shop    | migration
                    overlays/prometheus-operator/service-monitor.yaml | /actuator/prometheus      | /metrics           | /metrics is not served
                    overlays/prometheus-operator/service-monitor.yaml | port: http                | port: metrics      | no service has a port metrics
                    overlays/prometheus-operator/service-monitor.yaml | key: token                | key: password      | sends no token
                    overlays/prometheus-operator/service-monitor.yaml | scheme: https             | scheme: http       | scrapes without TLS
                    overlays/prometheus-operator/service-monitor.yaml | serverName: millrace      | insecureSkipVerify: true | scrapes without TLS
                    overlays/prometheus-operator/service-monitor.yaml | key: tls.crt              | key: ca.crt        | scrapes without TLS
                    overlays/prometheus-operator/service-monitor.yaml | component: service        | component: none    | does not select exactly one service
                    overlays/prometheus-operator/service-monitor.yaml | interval:                 | intervall:         | unknown fields [intervall]
                    overlays/prometheus-operator/kustomization.yaml   | dashboards/overview.json  | dashboards/mill.json | there is no dashboards/mill.json
                    """)
    void reportsAFaultOutsideTheBase(String file, String text, String fault, String reported) {
        String folder =
                file.startsWith("overlays/")
                        ? "k8s/" + file.substring(0, file.indexOf('/', "overlays/".length()))
                        : ManifestCheck.BASE;
        assertReported(folder, "k8s/" + file, text, fault, reported);
    }

    private static void assertReported(
            String folder, String file, String text, String fault, String reported) {
        Checkout planted =
                REPOSITORY.with(file, text.replace("\\n", "\n"), fault.replace("\\n", "\n"));

        assertThat(ManifestCheck.run(planted, List.of(folder)))
                .anySatisfy(one -> assertThat(one).contains(reported));
    }
}
