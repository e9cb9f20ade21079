# SPDX-License-Identifier: Apache-2.0
# Features of sensors' samples, as networks take them.
from .frontend import Frontend as Frontend
