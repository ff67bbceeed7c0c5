//! Accounts: making them, passwords, barring them.

use market::{AccountId, Action};
use sha2::{Digest, Sha256};
use store::accounts::{Account, Robot};

use crate::{Actor, App, AppError, audit::Change, passwords, state::random};

/// Bytes of an account's name.
pub(crate) const LONGEST_NAME: usize = 40;
const SHORTEST_PASSWORD: usize = 12;

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The name it signs in with: 2 to 40 lower-case letters, digits, `-`, `.`, `_`.
    pub name: String,
    /// E-mail address of whoever is behind it.
    pub email: String,
    /// At least 12 characters.
    pub password: String,
    /// `reviewer`, `operator` or nothing.
    pub staff_role: Option<String>,
}

impl App {
    /// Makes an account. Staff is made by the operator; anybody else by themselves where registration is open.
    ///
    /// # Errors
    /// The name is taken or malformed, the password too short, or the asker may not.
    pub async fn create_account(
        &self,
        actor: &Actor,
        new: &NewAccount,
    ) -> Result<Account, AppError> {
        check_new_account(new)?;
        let hash = passwords::turn().await.hash(new.password.clone()).await?;
        let mut tx = self.begin().await?;
        if new.staff_role.is_some() || !self.config.open_registration {
            self.authorize(&mut tx, actor, Action::ManageAccounts, None)
                .await?;
        }
        let account = Account {
            id: self.id(AccountId::new),
            name: new.name.clone(),
            email: new.email.clone(),
            password_hash: hash,
            staff_role: new.staff_role.clone(),
            created_at: self.now(),
            disabled_at: None,
            robot: Robot::default(),
        };
        store::accounts::create(&mut tx, &account)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    AppError::invalid(
                        "name",
                        format!("`{}` is taken: choose another name", new.name),
                    )
                } else {
                    error.into()
                }
            })?;
        let change = Change {
            subject: account.id.as_str(),
            after: Some(new.staff_role.as_deref().unwrap_or("member")),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManageAccounts, change)
            .await?;
        tx.commit().await?;
        Ok(account)
    }

    /// Makes the first operator where no account exists; gives the one-time password.
    ///
    /// # Errors
    /// The database refused.
    pub async fn make_first_operator(&self) -> Result<Option<String>, AppError> {
        if store::accounts::count(&mut self.read().await?).await? > 0 {
            return Ok(None);
        }
        let password = secret_text(&random::<15>());
        let new = NewAccount {
            name: "operator".to_owned(),
            email: "operator@localhost".to_owned(),
            password: password.clone(),
            staff_role: Some("operator".to_owned()),
        };
        self.create_account(&Actor::system(), &new).await?;
        Ok(Some(password))
    }

    /// Returns all accounts.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn list_accounts(&self, actor: &Actor) -> Result<Vec<Account>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ManageAccounts, None)
            .await?;
        Ok(store::accounts::list(&mut tx).await?)
    }

    /// Sets an account's password; its owner may, and the operator.
    ///
    /// # Errors
    /// The password is too short, the account unknown, or the asker may not.
    pub async fn set_password(
        &self,
        actor: &Actor,
        name: &str,
        password: &str,
    ) -> Result<(), AppError> {
        check_password(password)?;
        let hash = passwords::turn().await.hash(password.to_owned()).await?;
        let mut tx = self.begin().await?;
        let account = self.account_by_name(&mut tx, name).await?;
        let own = actor.signed_in().map(|own| &own.id) == Some(&account.id);
        if account.is_robot() {
            return Err(AppError::Conflict(
                "robots have no password: make an access token for it".to_owned(),
            ));
        }
        if !own {
            self.authorize(&mut tx, actor, Action::ManageAccounts, None)
                .await?;
        } else if actor.token().is_some() {
            // What is good for less or for a while must not become what may do everything.
            return Err(AppError::Denied(
                "a password is not changed with an access token: sign in with the old one"
                    .to_owned(),
            ));
        }
        store::accounts::set_password(&mut tx, &account.id, &hash).await?;
        store::accounts::delete_sessions(&mut tx, &account.id).await?;
        store::tokens::delete_password_logins(&mut tx, &account.id).await?;
        let change = Change {
            subject: account.id.as_str(),
            after: Some("password-set"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManageAccounts, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Bars an account from signing in, or lets it in again.
    ///
    /// # Errors
    /// The account is unknown, or the asker may not.
    pub async fn set_account_disabled(
        &self,
        actor: &Actor,
        name: &str,
        disabled: bool,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::ManageAccounts, None)
            .await?;
        let account = self.account_by_name(&mut tx, name).await?;
        store::accounts::set_disabled(&mut tx, &account.id, disabled.then(|| self.now())).await?;
        let after = if disabled { "disabled" } else { "enabled" };
        let change = Change {
            subject: account.id.as_str(),
            after: Some(after),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManageAccounts, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns the account called `name` for whoever acts by the data folder itself.
    ///
    /// # Errors
    /// There is none.
    pub async fn find_account(&self, name: &str) -> Result<Account, AppError> {
        let mut tx = self.read().await?;
        self.account_by_name(&mut tx, name).await
    }

    async fn account_by_name(&self, tx: &mut store::Tx, name: &str) -> Result<Account, AppError> {
        store::accounts::find_by_name(tx, name)
            .await?
            .ok_or_else(|| AppError::not_found("account", name))
    }
}

fn check_new_account(new: &NewAccount) -> Result<(), AppError> {
    let legal =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
    if !(2..=LONGEST_NAME).contains(&new.name.len()) || !new.name.bytes().all(legal) {
        return Err(AppError::invalid(
            "name",
            "use 2 to 40 lower-case letters, digits, `-`, `.` or `_`",
        ));
    }
    if !market::is_email(&new.email) {
        return Err(AppError::invalid(
            "email",
            "give an e-mail address such as ann@example.com",
        ));
    }
    if let Some(role) = &new.staff_role
        && !matches!(role.as_str(), "reviewer" | "operator")
    {
        return Err(AppError::invalid(
            "staff_role",
            "use `reviewer` or `operator`",
        ));
    }
    check_password(&new.password)
}

fn check_password(password: &str) -> Result<(), AppError> {
    if password.chars().count() < SHORTEST_PASSWORD || password.len() > 1_000 {
        return Err(AppError::invalid(
            "password",
            format!("use at least {SHORTEST_PASSWORD} characters"),
        ));
    }
    Ok(())
}

/// Secrets made here have at least 120 bits, so one round of SHA-256 is enough to store them.
pub(crate) fn hash_secret(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Writes bytes as letters and digits that are easy to copy.
pub(crate) fn secret_text(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}
