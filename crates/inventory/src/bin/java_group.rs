//! Maven's groups of archives that say nothing of it, by how their names begin. What a bundle
//! is called elsewhere is no group: `slf4j-api` calls itself `slf4j.api`.

/// Names, and names that begin so where a dash is last; each with its group in Maven's central
/// repository. Sorted, so that the longest that fits is the last that does.
static GROUPS: &[(&str, &str)] = &[
    ("activemq-", "org.apache.activemq"),
    ("ant", "org.apache.ant"),
    ("ant-", "org.apache.ant"),
    ("antlr4-", "org.antlr"),
    ("asm", "org.ow2.asm"),
    ("asm-", "org.ow2.asm"),
    ("avro", "org.apache.avro"),
    ("bcpkix-", "org.bouncycastle"),
    ("bcprov-", "org.bouncycastle"),
    ("byte-buddy", "net.bytebuddy"),
    ("camel-", "org.apache.camel"),
    ("commons-beanutils", "commons-beanutils"),
    ("commons-cli", "commons-cli"),
    ("commons-codec", "commons-codec"),
    ("commons-collections", "commons-collections"),
    ("commons-collections4", "org.apache.commons"),
    ("commons-compress", "org.apache.commons"),
    ("commons-configuration2", "org.apache.commons"),
    ("commons-csv", "org.apache.commons"),
    ("commons-dbcp2", "org.apache.commons"),
    ("commons-digester", "commons-digester"),
    ("commons-email", "org.apache.commons"),
    ("commons-fileupload", "commons-fileupload"),
    ("commons-httpclient", "commons-httpclient"),
    ("commons-io", "commons-io"),
    ("commons-jxpath", "commons-jxpath"),
    ("commons-lang", "commons-lang"),
    ("commons-lang3", "org.apache.commons"),
    ("commons-logging", "commons-logging"),
    ("commons-net", "commons-net"),
    ("commons-pool2", "org.apache.commons"),
    ("commons-text", "org.apache.commons"),
    ("cxf-", "org.apache.cxf"),
    ("derby", "org.apache.derby"),
    ("dom4j", "org.dom4j"),
    ("gson", "com.google.code.gson"),
    ("guava", "com.google.guava"),
    ("guice", "com.google.inject"),
    ("h2", "com.h2database"),
    ("hazelcast", "com.hazelcast"),
    ("hibernate-core", "org.hibernate"),
    ("hibernate-validator", "org.hibernate.validator"),
    ("hsqldb", "org.hsqldb"),
    ("httpclient", "org.apache.httpcomponents"),
    ("httpclient5", "org.apache.httpcomponents.client5"),
    ("httpcore", "org.apache.httpcomponents"),
    ("httpcore5", "org.apache.httpcomponents.core5"),
    ("jackson-annotations", "com.fasterxml.jackson.core"),
    ("jackson-core", "com.fasterxml.jackson.core"),
    ("jackson-core-asl", "org.codehaus.jackson"),
    ("jackson-databind", "com.fasterxml.jackson.core"),
    ("jackson-dataformat-", "com.fasterxml.jackson.dataformat"),
    ("jackson-datatype-", "com.fasterxml.jackson.datatype"),
    ("jackson-mapper-asl", "org.codehaus.jackson"),
    ("jackson-module-", "com.fasterxml.jackson.module"),
    ("jersey-client", "org.glassfish.jersey.core"),
    ("jersey-common", "org.glassfish.jersey.core"),
    ("jersey-server", "org.glassfish.jersey.core"),
    ("jetty-", "org.eclipse.jetty"),
    ("joda-time", "joda-time"),
    ("json-path", "com.jayway.jsonpath"),
    ("json-smart", "net.minidev"),
    ("jsoup", "org.jsoup"),
    ("junit", "junit"),
    ("kafka-clients", "org.apache.kafka"),
    ("kotlin-", "org.jetbrains.kotlin"),
    ("log4j", "log4j"),
    ("log4j-", "org.apache.logging.log4j"),
    ("logback-", "ch.qos.logback"),
    ("lucene-", "org.apache.lucene"),
    ("mariadb-java-client", "org.mariadb.jdbc"),
    ("mina-core", "org.apache.mina"),
    ("mybatis", "org.mybatis"),
    ("mysql-connector-j", "com.mysql"),
    ("mysql-connector-java", "mysql"),
    ("netty", "io.netty"),
    ("netty-", "io.netty"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("pdfbox", "org.apache.pdfbox"),
    ("poi", "org.apache.poi"),
    ("poi-", "org.apache.poi"),
    ("postgresql", "org.postgresql"),
    ("protobuf-java", "com.google.protobuf"),
    ("quartz", "org.quartz-scheduler"),
    ("reactor-core", "io.projectreactor"),
    ("scala-library", "org.scala-lang"),
    ("shiro-", "org.apache.shiro"),
    ("slf4j-", "org.slf4j"),
    ("snakeyaml", "org.yaml"),
    ("snappy-java", "org.xerial.snappy"),
    ("spring-", "org.springframework"),
    ("spring-boot", "org.springframework.boot"),
    ("spring-boot-", "org.springframework.boot"),
    ("spring-cloud-", "org.springframework.cloud"),
    ("spring-data-", "org.springframework.data"),
    ("spring-security-", "org.springframework.security"),
    ("sqlite-jdbc", "org.xerial"),
    ("struts2-", "org.apache.struts"),
    ("thymeleaf", "org.thymeleaf"),
    ("tika-", "org.apache.tika"),
    ("tomcat-embed-", "org.apache.tomcat.embed"),
    ("undertow-", "io.undertow"),
    ("velocity", "org.apache.velocity"),
    ("velocity-engine-core", "org.apache.velocity"),
    ("xalan", "xalan"),
    ("xercesImpl", "xerces"),
    ("xstream", "com.thoughtworks.xstream"),
    ("zookeeper", "org.apache.zookeeper"),
];

/// Returns the group of a name, if the table has it.
pub(super) fn of(name: &str) -> Option<&'static str> {
    let fits = |known: &str| {
        let whole = known == name;
        whole || (known.ends_with('-') && name.starts_with(known))
    };
    let found = GROUPS.iter().rfind(|(known, _)| fits(known));
    found.map(|(_, group)| *group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names_and_beginnings() {
        assert_eq!(of("slf4j-api"), Some("org.slf4j"));
        assert_eq!(of("spring-core"), Some("org.springframework"));
        assert_eq!(
            of("spring-boot-starter-web"),
            Some("org.springframework.boot")
        );
        assert_eq!(of("log4j"), Some("log4j"));
        assert_eq!(of("log4j-core"), Some("org.apache.logging.log4j"));
        assert_eq!(of("guava-testlib"), None);
        assert_eq!(of("app"), None);
    }

    #[test]
    fn is_sorted() {
        assert!(GROUPS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
