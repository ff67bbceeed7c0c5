//! Passwords as they are kept: hashed with argon2id (RFC 9106), which takes 19 MiB and a
//! processor for a while. So one is hashed at a time.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{AppError, state::random};

/// The hash of a password that nobody has.
pub(crate) const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$3jz0xbFIS2CzRzyoPxEqG9E9Sx/5yXl4mUdsJHqSSHg";

static TURN: Mutex<()> = Mutex::const_new(());

/// The right to hash; everybody else waits while somebody has it.
pub(crate) struct Turn(#[expect(dead_code, reason = "it is had")] MutexGuard<'static, ()>);

/// Waits until it is one's turn.
pub(crate) async fn turn() -> Turn {
    Turn(TURN.lock().await)
}

impl Turn {
    /// Hashes a password with a salt of its own, in PHC's format.
    ///
    /// # Errors
    /// The system stops.
    pub(crate) async fn hash(self, password: String) -> Result<String, AppError> {
        let (_, hash) = self
            .on_a_thread(move || {
                let salt = Salt::new(&random::<16>())?;
                let hasher = Argon2::default();
                let output = compute(&hasher, &password, &salt)?;
                let hash = PasswordHash {
                    algorithm: Algorithm::default().ident(),
                    version: Some(Version::default().into()),
                    params: ParamsString::try_from(hasher.params())?,
                    salt: Some(salt),
                    hash: Some(output),
                };
                Ok(hash.to_string())
            })
            .await?;
        hash.map_err(|error| AppError::internal(error.to_string()))
    }

    /// Returns whether `hash` is the password's, and the turn, which others may still wait for.
    ///
    /// # Errors
    /// The system stops.
    pub(crate) async fn fits(
        self,
        password: String,
        hash: String,
    ) -> Result<(Self, bool), AppError> {
        let (turn, fits) = self
            .on_a_thread(move || {
                let known = PasswordHash::new(&hash)?;
                let params = Params::try_from(&known)?;
                let version = known
                    .version
                    .map_or(Ok(Version::default()), Version::try_from)?;
                let hasher = Argon2::new(
                    Algorithm::try_from(known.algorithm.as_str())?,
                    version,
                    params,
                );
                let salt = known
                    .salt
                    .as_ref()
                    .ok_or(argon2::password_hash::Error::SaltInvalid)?;
                // Outputs are compared in constant time.
                Ok(known.hash == Some(compute(&hasher, &password, salt)?))
            })
            .await?;
        Ok((turn, fits.unwrap_or(false)))
    }

    async fn on_a_thread<T: Send + 'static>(
        self,
        work: impl FnOnce() -> argon2::password_hash::Result<T> + Send + 'static,
    ) -> Result<(Self, argon2::password_hash::Result<T>), AppError> {
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            (self, done)
        });
        worked.await.map_err(AppError::internal)
    }
}

fn compute(
    hasher: &Argon2<'_>,
    password: &str,
    salt: &Salt,
) -> argon2::password_hash::Result<Output> {
    let params = hasher.params();
    let mut memory = vec![Block::default(); params.block_count()];
    let mut output = [0; Output::MAX_LENGTH];
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let output = output
        .get_mut(..length)
        .ok_or(argon2::password_hash::Error::OutputSize)?;
    hasher.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut memory[..])?;
    Output::new(output).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_hash_and_no_other() {
        let password = || "correct horse battery".to_owned();
        let hash = turn().await.hash(password()).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(hash, turn().await.hash(password()).await.expect("a hash"));
        for (password, hash, expected) in [
            (password(), hash.as_str(), true),
            ("correct horse".to_owned(), &hash, false),
            (password(), NOBODYS, false),
            (password(), "", false),
        ] {
            let (turn, fits) = turn()
                .await
                .fits(password, hash.to_owned())
                .await
                .expect("an answer");
            drop(turn);
            assert_eq!(fits, expected);
        }
        let known = PasswordHash::new(&hash).expect("PHC's format");
        let by_the_library = Argon2::default().verify_password(password().as_bytes(), &known);
        assert_eq!(by_the_library, Ok(()));
    }
}
